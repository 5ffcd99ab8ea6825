// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

func isENOENT(err error) bool { return errors.Is(err, syscall.ENOENT) }

// by starts a program, and tells whether it was asked of the kernel.
func startsByKernel(t *testing.T) bool {
	t.Helper()
	before := asked()
	if err := Command("/bin/true").Run(); err != nil {
		t.Fatal(err)
	}
	return asked() > before
}

func failureOf(t *testing.T, s start) *Error {
	t.Helper()
	_, err := s.by(t, StartProcess)
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("%T %v", err, err)
	}
	return failed
}

func TestSetBackend(t *testing.T) {
	first := SetBackend(OS)
	defer SetBackend(first)
	if Available() || startsByKernel(t) {
		t.Error("the kernel is asked")
	}
	if got := SetBackend(Kernel); got != OS {
		t.Error(got)
	}
	ptrace := shell("true").sys(func(sys *syscall.SysProcAttr) { sys.Noctty = true })
	if hasModule() {
		if !Available() || !startsByKernel(t) {
			t.Error("the kernel is not asked")
		}
		if failed := failureOf(t, ptrace); failed.Errno != syscall.ENOTSUP || failed.Step != StepUnsupported {
			t.Errorf("%+v", failed)
		}
	} else if failed := failureOf(t, shell("true")); failed.Errno != syscall.ENOSYS || failed.Step != StepDevice {
		t.Errorf("%+v", failed)
	}
	if got := SetBackend(Backend(99)); got != Kernel {
		t.Error(got)
	}
	if got := SetBackend(Auto); got != Auto {
		t.Error(got)
	}
	if Available() != hasModule() || startsByKernel(t) != hasModule() {
		t.Error("the kernel is asked:", !hasModule())
	}
}

func TestBackendOfTheEnvironment(t *testing.T) {
	if os.Getenv(aloneVariable) == "" {
		for _, value := range []string{"libc", "kernel", "auto", "nonsense"} {
			value := value
			alone(t, func(c *exec.Cmd) { c.Env = append(c.Env, "KSPAWN_BACKEND="+value) })
		}
		return
	}
	switch value := os.Getenv("KSPAWN_BACKEND"); {
	case value == "libc":
		if Available() || startsByKernel(t) {
			t.Error("the kernel is asked")
		}
	case value == "kernel" && !hasModule():
		if failed := failureOf(t, shell("true")); failed.Errno != syscall.ENOSYS {
			t.Errorf("%+v", failed)
		}
	default:
		if startsByKernel(t) != hasModule() {
			t.Error("the kernel is asked:", !hasModule())
		}
	}
}

// The module refuses a process under seccomp, whatever its filter allows.
func TestSeccomp(t *testing.T) {
	if !alone(t) {
		return
	}
	type instruction struct {
		code   uint16
		jt, jf uint8
		k      uint32
	}
	type program struct {
		length uint16
		filter *instruction
	}
	const (
		sysSeccomp      = 317
		setModeFilter   = 1
		toAllThreads    = 1
		prNoNewPrivs    = 38
		returnsConstant = 0x06
		allow           = 0x7fff0000
	)
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	filter := &program{1, &instruction{code: returnsConstant, k: allow}}
	if _, _, errno := syscall.Syscall(sysSeccomp, setModeFilter, toAllThreads, uintptr(unsafe.Pointer(filter))); errno != 0 {
		t.Fatal(errno)
	}
	if Available() {
		t.Error("it is said to be available")
	}
	if got, err := shell("exit 7").by(t, StartProcess); err != nil || got.state != "exit status 7" {
		t.Error(got, err)
	}
	SetBackend(Kernel)
	if hasModule() {
		if failed := failureOf(t, shell("true")); failed.Errno != syscall.EPERM || failed.Step != StepPolicy {
			t.Errorf("%+v", failed)
		}
	}
}

// Another file in the place of the device's descriptor, or none, is noticed.
func TestDescriptorThatIsLost(t *testing.T) {
	if !hasModule() {
		t.Skip("no module")
	}
	if !alone(t) {
		return
	}
	if !startsByKernel(t) {
		t.Fatal("the kernel is not asked")
	}
	lost := opened.Load().fd
	if err := syscall.Close(lost); err != nil {
		t.Fatal(err)
	}
	if !startsByKernel(t) {
		t.Error("it is not opened again")
	}
	if !Available() {
		t.Error("it is not available")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	lost = opened.Load().fd
	if err := syscall.Dup3(int(null.Fd()), lost, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if !startsByKernel(t) {
		t.Error("it is not opened again")
	}
	if target, _ := os.Readlink(fmt.Sprint("/proc/self/fd/", lost)); target != os.DevNull {
		t.Error("the other file was closed:", target)
	}
}

func TestWithoutDescriptors(t *testing.T) {
	if !alone(t) {
		return
	}
	if err := Command("/bin/true").Run(); err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// The numbers below 4 are all in use.
	limit.Cur = 4
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// The kernel needs none for a start, os.StartProcess two.
	attr := &os.ProcAttr{Files: []*os.File{null, null, null}}
	// This program is static: it opens no library, for which there may be no number.
	process, err := StartProcess(os.Args[0], []string{os.Args[0], "-test.run=^$"}, attr)
	if !hasModule() {
		if !errors.Is(err, syscall.EMFILE) {
			t.Error(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if state, err := process.Wait(); err != nil || !state.Success() {
		t.Error(state, err)
	}
}

// A program has the limit of descriptors that os.StartProcess gives, whatever Go has made of the
// process's own.
func TestLimitOfDescriptors(t *testing.T) {
	limits := []string{"-Sn 100", "-Sn 100; ulimit -Hn 100", "-Hn 400; ulimit -Sn 400", "-Hn 401; ulimit -Sn 400"}
	if os.Getenv(aloneVariable) == "" {
		for _, limit := range limits {
			script := "ulimit " + limit + `; exec "$0" "$@"`
			alone(t, func(c *exec.Cmd) {
				c.Path, c.Args = "/bin/sh", append([]string{"sh", "-c", script}, c.Args...)
			})
		}
		return
	}
	s := shell("ulimit -Sn; ulimit -Hn")
	got, _ := s.same(t, true)
	if restoresLimit && !strings.HasPrefix(got.output, "100\n") && !strings.HasPrefix(got.output, "400\n") {
		t.Errorf("%+v", got)
	}
	if again, _ := s.same(t, true); again != got {
		t.Errorf("%+v", again)
	}
	// The program's own wish.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 90, Max: 95}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.same(t, true); got.output != "90\n95\n" {
		t.Errorf("%+v", got)
	}
}

// Where the program cannot be started again, nobody can tell the limit.
func TestLimitThatNobodyTells(t *testing.T) {
	mustBeRoot(t)
	if os.Getenv(aloneVariable) == "" {
		alone(t, func(c *exec.Cmd) {
			c.Path, c.Args = "/bin/sh", append([]string{"sh", "-c", `ulimit -Sn 100; exec "$0" "$@"`}, c.Args...)
		})
		return
	}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	if !mayBeRaised(now) {
		t.Skip("Go has not raised it")
	}
	original.known, original.err = false, errors.New("ptrace is forbidden")
	if Available() {
		t.Error("it is said to be available")
	}
	shell("ulimit -Sn; ulimit -Hn").same(t, false)
	SetBackend(Kernel)
	if hasModule() {
		if failed := failureOf(t, shell("true")); failed.Errno != syscall.ENOTSUP || failed.Step != StepUnsupported {
			t.Errorf("%+v", failed)
		}
	}
}

// The child that tells the limit is gone, and has not run.
func TestChildThatTellsTheLimit(t *testing.T) {
	before := resources(t)
	limit, err := limitOfStoppedChild()
	if err != nil || limit.Cur == 0 {
		t.Error(limit, err)
	}
	if after := resources(t); after != before {
		t.Errorf("%s before, %s after", before, after)
	}
}
