// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

func TestStateOfTheProgram(t *testing.T) {
	got, _ := shell(stateScript, "", "two words", "ä\xff").same(t, true)
	if !strings.Contains(got.output, "word two words\n") || got.state != "exit status 0" {
		t.Errorf("%+v", got)
	}
}

func TestEnvironmentOfTheCaller(t *testing.T) {
	t.Setenv("KSPAWN_GO_TEST", "inherited")
	s := program("/usr/bin/env", "env").with(func(attr *os.ProcAttr) { attr.Env = os.Environ() })
	if got, _ := s.same(t, true); !strings.Contains(got.output, "KSPAWN_GO_TEST=inherited\n") {
		t.Errorf("%+v", got)
	}
	// No attributes at all.
	process, err := StartProcess("/bin/sh", []string{"sh", "-c", `test "$KSPAWN_GO_TEST" = inherited`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := process.Wait(); err != nil || !state.Success() {
		t.Error(state, err)
	}
}

func TestArguments(t *testing.T) {
	program("/bin/sh").same(t, true)
	many := make([]string, 20000)
	for i := range many {
		many[i] = fmt.Sprint("word ", i)
	}
	got, _ := program("/bin/echo", append([]string{"echo"}, many...)...).same(t, true)
	if got.output != strings.Join(many, " ")+"\n" {
		t.Error(got.state)
	}
	program("/bin/echo", "echo", strings.Repeat("x", 100000)).same(t, true)
	program("/bin/echo", "echo", strings.Repeat("x", 1<<18)).same(t, true) // E2BIG
}

func TestDirectory(t *testing.T) {
	inUsr := func(attr *os.ProcAttr) { attr.Dir = "/usr" }
	shell(stateScript).with(inUsr).same(t, true)
	// The program is relative to it.
	got, _ := program("bin/env", "env").with(inUsr).same(t, true)
	if got.state != "exit status 0" {
		t.Errorf("%+v", got)
	}
}

func TestSignalsOfTheProgram(t *testing.T) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR2)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1, syscall.SIGTERM)
	defer signal.Reset()
	got, _ := shell(stateScript).same(t, true)
	if !regexp.MustCompile(`SigBlk:\s0{16}\nSigIgn:\s\w*801\n`).MatchString(got.output) {
		t.Error(got.output)
	}
}

func TestDescriptors(t *testing.T) {
	open := func(path string) *os.File {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	// Their numbers are those of each other in the child, in all orders.
	one, two, three := open(filepath.Join(t.TempDir(), "one")), open("/dev/null"), open("/dev/zero")
	list := `exec >&"$1"; ` + listScript
	read := func(s start) string {
		var all []string
		for _, way := range []starter{os.StartProcess, StartProcess} {
			if err := one.Truncate(0); err != nil {
				t.Fatal(err)
			}
			if _, err := one.Seek(0, 0); err != nil {
				t.Fatal(err)
			}
			if got, err := s.by(t, way); err != nil || got.state != "exit status 0" {
				t.Fatal(got, err)
			}
			text, err := os.ReadFile(one.Name())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, inode.ReplaceAllString(string(text), "[]"))
		}
		if all[0] != all[1] || all[0] == "" {
			t.Errorf("os.StartProcess:\n%skspawn:\n%s", all[0], all[1])
		}
		return all[1]
	}
	low := make([]*os.File, 30)
	for i := range low {
		low[i] = []*os.File{one, two, three, nil}[i%4]
	}
	low[9], low[8] = one, one
	for _, files := range [][]*os.File{
		{two, three, one}, {one, one, one}, {nil, nil, nil, one, nil, two}, {three, nil, nil, nil, one},
		{os.Stdin, os.Stdin, os.Stderr, os.Stdout, one}, low,
	} {
		at := 0
		for i, file := range files {
			if file == one && i < 10 {
				at = i
			}
		}
		read(shell(list, fmt.Sprint(at)).with(func(attr *os.ProcAttr) { attr.Files = files }))
	}
	// One that is not close-on-exec is inherited, as are those that the caller began with.
	kept, err := syscall.Dup(int(two.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(kept)
	text := read(shell(list, "1").with(func(attr *os.ProcAttr) { attr.Files = []*os.File{nil, one} }))
	if !strings.Contains(text, fmt.Sprintf(" %d", kept)) {
		t.Error(text)
	}
	// No files at all, and one that is closed by now.
	shell("true").with(func(attr *os.ProcAttr) { attr.Files = []*os.File{} }).same(t, true)
	gone := open("/dev/null")
	gone.Close()
	shell("readlink /proc/$$/fd/0; true").with(func(attr *os.ProcAttr) { attr.Files = []*os.File{gone, one} }).same(t, true)
	// A number that is no descriptor.
	wrong := os.NewFile(12345, "wrong")
	_, err = shell("true").with(func(attr *os.ProcAttr) { attr.Files = []*os.File{two, two, wrong} }).same(t, true)
	if !errors.Is(err, syscall.EBADF) {
		t.Error(err)
	}
	runtime.SetFinalizer(wrong, nil)
}

func TestFailures(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	before := resources(t)
	for name, want := range map[string]syscall.Errno{
		"/nonesuch": syscall.ENOENT, "nonesuch": syscall.ENOENT, "": syscall.ENOENT, "/": syscall.EACCES,
		"/etc/passwd": syscall.EACCES, "/etc/passwd/x": syscall.ENOTDIR, text: syscall.ENOEXEC,
		loop: syscall.ELOOP, strings.Repeat("x/", 5000): syscall.ENAMETOOLONG,
	} {
		_, err := program(name, "x").same(t, true)
		var failed *Error
		if errors.As(err, &failed) != hasModule() {
			t.Errorf("%q: %+v", name, err)
		}
		// A path that is too long is not looked for.
		words := want.Error()
		if failed != nil && failed.Step == StepCopy && want == syscall.ENAMETOOLONG {
			words = "path: " + words
		} else if failed != nil && failed.Step != StepExec {
			t.Errorf("%q: %+v", name, failed)
		}
		if err == nil || err.Error() != fmt.Sprintf("fork/exec %s: %s", name, words) {
			t.Errorf("%q: %v", name, err)
		}
		if !errors.Is(err, want) || errors.Is(err, fs.ErrNotExist) != (want == syscall.ENOENT) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, dir := range []string{"/nonesuch", "/etc/passwd", loop} {
		in := func(attr *os.ProcAttr) { attr.Dir = dir }
		none := func(*syscall.SysProcAttr) {}
		for _, path := range []string{"/bin/true", "/nonesuch"} {
			program(path, "x").with(in).same(t, true)
			_, err := program(path, "x").with(in).sys(none).same(t, true)
			var failed *Error
			if errors.As(err, &failed) && (failed.Step != StepAction || failed.What != "chdir "+dir) {
				t.Errorf("%+v", failed)
			}
		}
	}
	for _, s := range []start{
		program("/bin/true\x00", "x"),
		program("/bin/true", "x\x00"),
		program("/bin/true", "x").with(func(attr *os.ProcAttr) { attr.Env = []string{"A=\x00"} }),
		program("/bin/true", "x").with(func(attr *os.ProcAttr) { attr.Dir = "/\x00" }),
		shell("true").sys(func(sys *syscall.SysProcAttr) { sys.Setctty, sys.Foreground = true, true }),
		shell("true").sys(func(sys *syscall.SysProcAttr) { sys.Setctty, sys.Ctty = true, 7 }),
	} {
		s.same(t, false)
	}
	if after := resources(t); after != before {
		t.Errorf("%s before, %s after", before, after)
	}
}

func TestSessionsAndGroups(t *testing.T) {
	for _, change := range []func(*syscall.SysProcAttr){
		func(sys *syscall.SysProcAttr) {},
		func(sys *syscall.SysProcAttr) { sys.Setsid = true },
		func(sys *syscall.SysProcAttr) { sys.Setpgid = true },
		func(sys *syscall.SysProcAttr) { sys.Setpgid, sys.Pgid = true, syscall.Getpgrp() },
		func(sys *syscall.SysProcAttr) { sys.Setpgid, sys.Pgid = true, -1 },
		func(sys *syscall.SysProcAttr) { sys.Setpgid, sys.Pgid = true, 1 },
		func(sys *syscall.SysProcAttr) { sys.Setsid, sys.Setpgid = true, true },
		func(sys *syscall.SysProcAttr) { sys.Pgid, sys.GidMappingsEnableSetgroups = 0, true },
	} {
		shell(stateScript).sys(change).same(t, true)
	}
	_, err := shell("true").sys(func(sys *syscall.SysProcAttr) { sys.Setpgid, sys.Pgid = true, -1 }).same(t, true)
	var failed *Error
	if errors.As(err, &failed) != hasModule() || (hasModule() && failed.Step != StepAttribute) {
		t.Errorf("%+v", err)
	}
}

func TestIdentity(t *testing.T) {
	mustBeRoot(t)
	for _, change := range []func(*syscall.SysProcAttr){
		func(sys *syscall.SysProcAttr) {
			sys.Credential = &syscall.Credential{Uid: 1234, Gid: 1235, Groups: []uint32{7, 8, 9}}
		},
		func(sys *syscall.SysProcAttr) { sys.Credential = &syscall.Credential{Uid: 1234, Gid: 1235} },
		func(sys *syscall.SysProcAttr) {
			sys.Credential = &syscall.Credential{Uid: 1234, Gid: 1235, NoSetGroups: true, Groups: []uint32{7}}
		},
		func(sys *syscall.SysProcAttr) { sys.Credential = &syscall.Credential{Groups: make([]uint32, 100000)} },
		func(sys *syscall.SysProcAttr) { sys.Chroot = "/" },
		func(sys *syscall.SysProcAttr) { sys.Chroot = "/nonesuch" },
		func(sys *syscall.SysProcAttr) { sys.Unshareflags = syscall.CLONE_NEWUTS },
		func(sys *syscall.SysProcAttr) { sys.Unshareflags = syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC },
	} {
		shell(stateScript).sys(change).same(t, true)
	}
	// The number that is no ID changes none, and refuses the start.
	for _, cred := range []syscall.Credential{{Uid: 1<<32 - 1}, {Gid: 1<<32 - 1}} {
		cred := cred
		_, err := shell("id -u").sys(func(sys *syscall.SysProcAttr) { sys.Credential = &cred }).same(t, false)
		if !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
	}
	// The program and the directory are in the new root.
	s := program("/sh", "sh", "-c", "pwd; echo *").with(func(attr *os.ProcAttr) { attr.Dir = "/" })
	s.sys(func(sys *syscall.SysProcAttr) { sys.Chroot = "/usr/bin" }).same(t, true)
}

// A process without privilege may take its own IDs, and no others.
func TestIdentityWithoutPrivilege(t *testing.T) {
	mustBeRoot(t)
	if !alone(t) {
		return
	}
	become(t, [3]int{1000, 1000, 1000})
	for _, uid := range []uint32{1000, 1001, 0} {
		as(uid, 1000).same(t, true)
	}
}

// With IDs that are not all the same, setuid() is another thing than setresuid().
func TestIdentityThatIsSplit(t *testing.T) {
	mustBeRoot(t)
	if !alone(t) {
		return
	}
	// The first start asks a child for the limit of descriptors, which nobody may who has another
	// effective user than the real one.
	if err := Command("/bin/true").Run(); err != nil {
		t.Fatal(err)
	}
	become(t, [3]int{1000, 1001, 1002})
	as(1002, 1000).same(t, false)
	shell(stateScript).same(t, true)
}

func become(t *testing.T, uid [3]int) {
	t.Helper()
	if err := syscall.Setresgid(1000, 1000, 1000); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setresuid(uid[0], uid[1], uid[2]); err != nil {
		t.Fatal(err)
	}
}

func as(uid, gid uint32) start {
	return shell(stateScript).sys(func(sys *syscall.SysProcAttr) {
		sys.Credential = &syscall.Credential{Uid: uid, Gid: gid, NoSetGroups: true}
	})
}

func TestWhatIsForOsStartProcess(t *testing.T) {
	mustBeRoot(t)
	for _, change := range []func(*syscall.SysProcAttr){
		func(sys *syscall.SysProcAttr) { sys.Cloneflags = syscall.CLONE_NEWUTS },
		func(sys *syscall.SysProcAttr) { sys.Unshareflags = syscall.CLONE_NEWNS },
		func(sys *syscall.SysProcAttr) { sys.Noctty = true },
		func(sys *syscall.SysProcAttr) { sys.AmbientCaps = []uintptr{10} },
		func(sys *syscall.SysProcAttr) {
			sys.Cloneflags = syscall.CLONE_NEWUSER
			sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
		},
	} {
		shell(stateScript).sys(change).same(t, false)
	}
}

func TestDeathOfTheParent(t *testing.T) {
	for _, way := range []starter{os.StartProcess, StartProcess} {
		processes := make(chan *os.Process)
		onDyingThread(func() {
			sys := &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
			process, err := way("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{Sys: sys})
			if err != nil {
				t.Error(err)
			}
			processes <- process
		})
		process := <-processes
		if process == nil {
			return
		}
		state, err := process.Wait()
		if err != nil || state.String() != "signal: terminated" {
			t.Error(state, err)
		}
	}
}

// onDyingThread calls from a thread that ends with the call: its goroutine has locked it.  The
// first thread of a process does not end.
func onDyingThread(call func()) {
	go func() {
		runtime.LockOSThread()
		if syscall.Gettid() != syscall.Getpid() {
			call()
			return
		}
		over := make(chan struct{})
		onDyingThread(func() {
			defer close(over)
			call()
		})
		<-over
		runtime.UnlockOSThread()
	}()
}

// The shell's terminal, and whether it is in its foreground.
const terminalScript = `read -r a b c d e f terminal foreground rest </proc/$$/stat
[ $terminal != 0 ]; echo "terminal $?"; [ $foreground = $$ ]; echo "foreground $?"`

func TestControllingTerminal(t *testing.T) {
	control, terminal := openTerminal(t)
	defer control.Close()
	defer terminal.Close()
	s := shell(terminalScript)
	s.extra = []*os.File{terminal}
	with := func(wanted syscall.SysProcAttr) outcome {
		got, _ := s.sys(func(sys *syscall.SysProcAttr) { *sys = wanted }).same(t, true)
		return got
	}
	if got := with(syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}); got.output != "terminal 0\nforeground 0\n" {
		t.Errorf("%+v", got)
	}
	// One that leads no session, and one with another file.
	with(syscall.SysProcAttr{Setctty: true, Ctty: 3})
	with(syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0})
}

func TestForeground(t *testing.T) {
	if os.Getenv(aloneVariable) == "" {
		control, terminal := openTerminal(t)
		defer control.Close()
		defer terminal.Close()
		alone(t, func(c *exec.Cmd) {
			c.ExtraFiles = []*os.File{terminal}
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
		})
		return
	}
	const terminal = 3
	syscall.CloseOnExec(terminal)
	s := shell(terminalScript)
	for _, change := range []func(*syscall.SysProcAttr){
		func(sys *syscall.SysProcAttr) { sys.Foreground, sys.Ctty = true, terminal },
		func(sys *syscall.SysProcAttr) { sys.Foreground, sys.Ctty, sys.Setpgid = true, terminal, true },
	} {
		if got, _ := s.sys(change).same(t, true); got.output != "terminal 0\nforeground 0\n" {
			t.Errorf("%+v", got)
		}
	}
	s.sys(func(sys *syscall.SysProcAttr) { sys.Foreground, sys.Ctty = true, 99 }).same(t, true)
}

func openTerminal(t *testing.T) (control, terminal *os.File) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	var locked, number int32
	for request, argument := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, control.Fd(), request, uintptr(unsafe.Pointer(argument)))
		if errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return control, terminal
}

func TestProcess(t *testing.T) {
	for _, way := range []starter{os.StartProcess, StartProcess} {
		process, err := way("/bin/sleep", []string{"sleep", "1000"}, plain())
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Signal(syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
		state, err := process.Wait()
		if err != nil || state.String() != "signal: user defined signal 1" || state.Pid() != process.Pid {
			t.Error(state, err)
		}
		if err := process.Kill(); !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	}
}

func TestForkLockIsHeld(t *testing.T) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Open("/dev/full", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	outcomes := make(chan outcome)
	go func() {
		got, err := shell("readlink /proc/$$/fd/*; true").by(t, StartProcess)
		if err != nil {
			t.Error(err)
		}
		outcomes <- got
	}()
	// Nobody gets a reader's lock while a writer waits for his.
	for syscall.ForkLock.TryRLock() {
		syscall.ForkLock.RUnlock()
		time.Sleep(time.Millisecond)
	}
	select {
	case <-outcomes:
		t.Fatal("the start does not wait")
	default:
	}
	syscall.CloseOnExec(fd)
	syscall.ForkLock.RUnlock()
	if got := <-outcomes; strings.Contains(got.output, "/dev/full") {
		t.Error(got.output)
	}
}

// Two starts of which one is always under way keep the lock; a reader gets it all the same.
func TestForkLockIsReleased(t *testing.T) {
	s := forkLock
	during, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	for i := 0; i < 2; i++ {
		go func() {
			for during.Err() == nil {
				s.lock()
				for {
					s.mutex.Lock()
					goOn := s.running > 1 || s.admitted >= mostAdmitted
					s.mutex.Unlock()
					if goOn || during.Err() != nil {
						break
					}
					runtime.Gosched()
				}
				s.unlock()
			}
			ended <- struct{}{}
		}()
	}
	for i := 0; i < 100; i++ {
		syscall.ForkLock.RLock()
		runtime.Gosched()
		syscall.ForkLock.RUnlock()
	}
	stop()
	<-ended
	<-ended
}
