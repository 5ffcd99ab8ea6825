// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Each property is one of os/exec: the same start is made by it and by this package, the
// outcomes must be equal, and the second must have reached the module, if there is one.

func TestMain(m *testing.M) {
	// One that was started by alone() may be a process which cannot.
	if os.Getenv(aloneVariable) == "" && Available() != hasModule() {
		fmt.Fprintf(os.Stderr, "Available() is %t, and there is a module: %t\n", Available(), hasModule())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// hasModule tells whether starts are to be made by the kernel.
func hasModule() bool {
	_, err := os.Stat(devicePath)
	return err == nil && os.Getenv("KSPAWN_BACKEND") != "libc"
}

// asked is how many starts the module was asked for.
func asked() int {
	text, err := os.ReadFile("/sys/class/misc/kspawn/stats/spawns")
	if err != nil {
		return 0
	}
	count, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return count
}

const aloneVariable = "KSPAWN_GO_TEST_ALONE"

// alone runs the test in a process of its own, since it changes what is the whole process's.  It
// returns true there.
func alone(t *testing.T, changes ...func(*exec.Cmd)) bool {
	t.Helper()
	if os.Getenv(aloneVariable) != "" {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.v", "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), aloneVariable+"=yes")
	for _, change := range changes {
		change(c)
	}
	output, err := c.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("%v:\n%s", err, output)
	case strings.Contains(string(output), "--- SKIP"):
		t.Skipf("%s", output)
	case !strings.Contains(string(output), "--- PASS: "+t.Name()):
		t.Errorf("it was not run:\n%s", output)
	}
	return false
}

func mustBeRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// All that a program can tell of how it was started.  The shell starts as few programs as can be:
// where the processor is emulated, each takes its time.  It blocks all signals for a moment when it
// does, so the masks are those of a program that it has started.
const stateScript = `
echo "$0"; for word; do echo "word $word"; done
pwd; umask; ulimit -Sn; ulimit -Hn
read -r pid name state parent group session rest </proc/$$/stat
[ $group = $$ ]; echo "leads a group $?"
[ $session = $$ ]; echo "leads a session $?"
[ $group = $CALLER_GROUP ]; echo "is in the caller's group $?"
[ $session = $CALLER_SESSION ]; echo "is in the caller's session $?"
[ /proc/$$/ns/uts -ef /proc/$parent/ns/uts ]; echo "has the caller's name of the host $?"
export -p
grep -E "^(Sig[IBC]|Uid|Gid|Groups|NoNewPrivs|Threads|Cap)" /proc/self/status
` + listScript

const listScript = `cd /proc/$$/fd; echo *; readlink *; true
`

type start struct {
	name string
	argv []string
	attr func() *os.ProcAttr
	// The program's files from 3 on, if attr says none.
	extra []*os.File
}

func shell(script string, words ...string) start {
	return program("/bin/sh", append([]string{"sh", "-c", script, "a name"}, words...)...)
}

func program(path string, argv ...string) start {
	return start{name: path, argv: argv, attr: plain}
}

func plain() *os.ProcAttr { return &os.ProcAttr{} }

// with has the start's attributes changed.
func (s start) with(change func(*os.ProcAttr)) start {
	before := s.attr
	s.attr = func() *os.ProcAttr {
		attr := before()
		change(attr)
		return attr
	}
	return s
}

func (s start) sys(change func(*syscall.SysProcAttr)) start {
	return s.with(func(attr *os.ProcAttr) {
		if attr.Sys == nil {
			attr.Sys = &syscall.SysProcAttr{}
		}
		change(attr.Sys)
	})
}

type starter func(string, []string, *os.ProcAttr) (*os.Process, error)

// An outcome is what became of a start, in words that can be compared.
type outcome struct {
	output, state string
	op, path      string
	errno         syscall.Errno
}

var inode = regexp.MustCompile(`\[\d+\]`)

// by makes the start; what the program writes to its standard output is in the outcome, unless the
// start says otherwise.
func (s start) by(t *testing.T, way starter) (outcome, error) {
	t.Helper()
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	attr := s.attr()
	if attr.Files == nil {
		attr.Files = append([]*os.File{null, theirs, theirs}, s.extra...)
	}
	if attr.Env == nil {
		session, _, _ := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
		attr.Env = []string{"PATH=/usr/bin:/bin", "CALLER_GROUP=" + strconv.Itoa(syscall.Getpgrp()),
			"CALLER_SESSION=" + strconv.Itoa(int(session))}
	}
	process, err := way(s.name, s.argv, attr)
	theirs.Close()
	if err != nil {
		var got outcome
		var failed *os.PathError
		if !errors.As(err, &failed) {
			t.Fatalf("%T is no *os.PathError: %v", err, err)
		}
		got.op, got.path = failed.Op, failed.Path
		if !errors.As(err, &got.errno) {
			got.state = err.Error()
		}
		return got, err
	}
	var got outcome
	var output strings.Builder
	buffer := make([]byte, 4096)
	for {
		count, err := ours.Read(buffer)
		output.Write(buffer[:count])
		if err != nil {
			break
		}
	}
	got.output = inode.ReplaceAllString(output.String(), "[]")
	state, err := process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	got.state = state.String()
	return got, nil
}

// same makes the start by both, and returns its outcome and this package's error.
func (s start) same(t *testing.T, byKernel bool) (outcome, error) {
	t.Helper()
	before := asked()
	stock, stockErr := s.by(t, os.StartProcess)
	if asked() != before {
		t.Fatal("os.StartProcess uses the module")
	}
	ours, err := s.by(t, StartProcess)
	if ours != stock {
		t.Errorf("%s %q\nos.StartProcess: %+v (%v)\nkspawn: %+v (%v)", s.name, s.argv, stock, stockErr, ours, err)
	}
	if reached := asked() > before; reached != (byKernel && hasModule()) {
		t.Errorf("%s %q: by the kernel: %t", s.name, s.argv, reached)
	}
	return ours, err
}

// resources are the descriptors of the process and whether it has children.
func resources(t *testing.T) string {
	t.Helper()
	// A file that is garbage is closed as it is collected.
	runtime.GC()
	runtime.Gosched()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	return fmt.Sprintf("%d descriptors, child %d %v", len(names), pid, err)
}
