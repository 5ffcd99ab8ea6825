// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The methods that exec.Cmd and Cmd have in common.
type command interface {
	Run() error
	Start() error
	Wait() error
	Output() ([]byte, error)
	CombinedOutput() ([]byte, error)
	StdinPipe() (io.WriteCloser, error)
	StdoutPipe() (io.ReadCloser, error)
	StderrPipe() (io.ReadCloser, error)
	Environ() []string
	String() string
}

// The members of either.
type settings struct {
	Path        string
	Args        []string
	Env         []string
	Dir         string
	Stdin       io.Reader
	Stdout      io.Writer
	Stderr      io.Writer
	ExtraFiles  []*os.File
	SysProcAttr *syscall.SysProcAttr
	Err         error
}

// set changes members that both types have.
func set(c command, change func(*settings)) {
	from := reflect.ValueOf(c).Elem()
	var s settings
	to := reflect.ValueOf(&s).Elem()
	copyMembers := func(to, from reflect.Value) {
		for i := 0; i < reflect.TypeOf(s).NumField(); i++ {
			name := reflect.TypeOf(s).Field(i).Name
			to.FieldByName(name).Set(from.FieldByName(name))
		}
	}
	copyMembers(to, from)
	change(&s)
	copyMembers(from, to)
}

type maker func(string, ...string) command

func ofExec(name string, arg ...string) command { return exec.Command(name, arg...) }

func ofKspawn(name string, arg ...string) command { return Command(name, arg...) }

// equal does the same with both kinds of Cmd, and compares all that it says.
func equal(t *testing.T, use func(maker) []any) []any {
	t.Helper()
	before := asked()
	stock := fmt.Sprintf("%q", words(use(ofExec)))
	if asked() != before {
		t.Fatal("os/exec uses the module")
	}
	said := use(ofKspawn)
	if ours := fmt.Sprintf("%q", words(said)); ours != stock {
		t.Errorf("os/exec: %s\nkspawn: %s", stock, ours)
	}
	return said
}

// words are values with the types of errors.
func words(values []any) []string {
	var all []string
	for _, value := range values {
		switch value := value.(type) {
		case error:
			all = append(all, fmt.Sprintf("%T %v", value, value))
			var failed *ExitError
			if errors.As(value, &failed) {
				all = append(all, string(failed.Stderr))
			}
		case []byte:
			all = append(all, string(value))
		default:
			all = append(all, fmt.Sprint(value))
		}
	}
	return all
}

func TestOutput(t *testing.T) {
	before := asked()
	said := equal(t, func(make maker) []any {
		output, err := make("echo", "two words", "").Output()
		return []any{output, err}
	})
	if string(said[0].([]byte)) != "two words \n" {
		t.Error(said)
	}
	if reached := asked() > before; reached != hasModule() {
		t.Error("by the kernel:", reached)
	}
	for _, script := range []string{
		"exit 3", "kill -KILL $$", "echo out; echo oops >&2; exit 1", "yes line | head -c 32768 >&2; exit 1",
		"yes line | head -c 32769 >&2; exit 1", "yes line | head -c 65536 >&2; exit 1", "seq 100000 >&2; exit 1",
		"for i in $(seq 2000); do echo $i of many lines >&2; done; exit 1",
	} {
		equal(t, func(make maker) []any {
			output, err := make("sh", "-c", script).Output()
			return []any{output, err}
		})
		equal(t, func(make maker) []any {
			output, err := make("sh", "-c", script).CombinedOutput()
			return []any{output, err}
		})
	}
}

func TestStreams(t *testing.T) {
	text := strings.Repeat("0123456789", 30000)
	for _, script := range []string{"cat", "cat >&2", "head -c 5", "exec <&-; sleep 0.1", "true", "cat; exit 4"} {
		equal(t, func(make maker) []any {
			c := make("sh", "-c", script)
			var out, errs bytes.Buffer
			set(c, func(s *settings) { s.Stdin, s.Stdout, s.Stderr = strings.NewReader(text), &out, &errs })
			err := c.Run()
			return []any{err, out.String(), errs.String()}
		})
	}
	// The same writer for both; none at all; files.
	equal(t, func(make maker) []any {
		c := make("sh", "-c", "for i in $(seq 100); do echo $i; echo $i >&2; done")
		var both bytes.Buffer
		set(c, func(s *settings) { s.Stdout, s.Stderr = &both, &both })
		err := c.Run()
		return []any{err, both.String()}
	})
	equal(t, func(make maker) []any {
		c := make("sh", "-c", "readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 /proc/$$/fd/3 /proc/$$/fd/4 >&4")
		file, err := os.Create(filepath.Join(t.TempDir(), "file"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		set(c, func(s *settings) { s.ExtraFiles = []*os.File{nil, file} })
		err = c.Run()
		said, _ := os.ReadFile(file.Name())
		return []any{err, strings.ReplaceAll(string(said), file.Name(), "FILE")}
	})
	// Readers and writers that fail.
	equal(t, func(make maker) []any {
		c := make("cat")
		set(c, func(s *settings) { s.Stdin = failing{} })
		return []any{c.Run()}
	})
	equal(t, func(make maker) []any {
		c := make("sh", "-c", "seq 100000; true")
		set(c, func(s *settings) { s.Stdout = failing{} })
		return []any{c.Run()}
	})
	// A type that cannot be compared.
	equal(t, func(make maker) []any {
		c := make("echo", "word")
		set(c, func(s *settings) { s.Stdout, s.Stderr = failing{[]int{1}}, failing{[]int{1}} })
		return []any{c.Run()}
	})
}

type failing struct{ _ []int }

var errStream = errors.New("the stream fails")

func (failing) Read([]byte) (int, error)  { return 0, errStream }
func (failing) Write([]byte) (int, error) { return 0, errStream }

func oneByte() []byte { return []byte{0} }

func TestPipes(t *testing.T) {
	equal(t, func(make maker) []any {
		c := make("sh", "-c", "cat; echo oops >&2")
		in, err1 := c.StdinPipe()
		out, err2 := c.StdoutPipe()
		errs, err3 := c.StderrPipe()
		_, again := c.StdinPipe()
		_, outAgain := c.StdoutPipe()
		_, errsAgain := c.StderrPipe()
		err4 := c.Start()
		_, err5 := io.WriteString(in, "word")
		err6 := in.Close()
		said, err7 := io.ReadAll(out)
		oops, err8 := io.ReadAll(errs)
		_, late := c.StdinPipe()
		return []any{err1, err2, err3, again, outAgain, errsAgain, err4, err5, err6, said, err7, oops, err8, late, c.Wait()}
	})
	// Wait closes them.
	equal(t, func(make maker) []any {
		c := make("true")
		in, _ := c.StdinPipe()
		out, _ := c.StdoutPipe()
		err := c.Run()
		_, writeErr := in.Write([]byte("x"))
		_, readErr := out.Read(oneByte())
		return []any{err, errors.Is(writeErr, os.ErrClosed), errors.Is(readErr, os.ErrClosed)}
	})
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PWD", "/nowhere")
	for _, env := range [][]string{nil, {}, {"A=1", "B=2", "A=3", "=C=4", "word", ""}, {"A=\x00"}} {
		for _, dir := range []string{"", "/usr", "."} {
			equal(t, func(make maker) []any {
				c := make("/usr/bin/env")
				set(c, func(s *settings) { s.Env, s.Dir = env, dir })
				output, err := c.Output()
				return []any{output, err, c.Environ()}
			})
		}
	}
}

func TestProgramsThatAreNotThere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "inhere"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	defer os.Chdir(here)
	t.Setenv("PATH", os.Getenv("PATH")+":.")
	for _, name := range []string{"nonesuch", "/nonesuch", "./nonesuch", "inhere", "./inhere", "", "/etc/passwd", "."} {
		equal(t, func(make maker) []any {
			c := make(name, "word")
			return []any{c.String(), c.Run()}
		})
	}
	if err := Command("nonesuch").Run(); !errors.Is(err, exec.ErrNotFound) {
		t.Error(err)
	}
	if err := Command("inhere").Run(); !errors.Is(err, exec.ErrDot) {
		t.Error(err)
	}
	var failed *Error
	if err := Command("/nonesuch").Run(); errors.As(err, &failed) != hasModule() || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%+v", err)
	}
}

func TestMisuse(t *testing.T) {
	equal(t, func(make maker) []any {
		c := make("true")
		return []any{c.Wait(), c.Start(), c.Start(), c.Wait(), c.Wait()}
	})
	equal(t, func(make maker) []any {
		c := make("true")
		var out bytes.Buffer
		set(c, func(s *settings) { s.Stdout = &out })
		_, err1 := c.Output()
		_, err2 := c.CombinedOutput()
		set(c, func(s *settings) { s.Stdout, s.Stderr = nil, &out })
		_, err3 := c.CombinedOutput()
		return []any{err1, err2, err3}
	})
	equal(t, func(make maker) []any {
		c := make("true")
		set(c, func(s *settings) { s.Path, s.Args = "", nil })
		return []any{c.Run()}
	})
	// Without arguments.
	equal(t, func(make maker) []any {
		c := make("/bin/pwd", "unused")
		set(c, func(s *settings) { s.Args = nil })
		output, err := c.Output()
		return []any{output, err}
	})
	if got := (&Cmd{Path: "/bin/true"}).String(); got != "/bin/true" {
		t.Error(got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a nil context is taken")
		}
	}()
	CommandContext(nil, "true") //nolint:staticcheck // that is what it is about
}

func TestContext(t *testing.T) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := CommandContext(done, "true").Run(); err != context.Canceled {
		t.Error(err)
	}
	if err := CommandContext(context.Background(), "true").Run(); err != nil {
		t.Error(err)
	}
	// The program is killed.
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, "sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Error(err)
	}
	// One that has ended well is not.
	ctx, cancel = context.WithCancel(context.Background())
	if err := CommandContext(ctx, "true").Run(); err != nil {
		t.Error(err)
	}
	cancel()
	// A context that is not there.
	without := Command("true")
	without.Cancel = func() error { return nil }
	if err := without.Run(); err == nil || !strings.Contains(err.Error(), "CommandContext") {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	errCancel := errors.New("cannot")
	for _, each := range []struct {
		script string
		cancel func(*Cmd) error
		want   string
	}{
		{"trap 'exit 0' TERM; echo; while :; do sleep 0.01; done", terminate, "context canceled"},
		{"trap 'exit 5' TERM; echo; while :; do sleep 0.01; done", terminate, "exit status 5"},
		{"echo; read line; exit 0", closeInput, "context canceled"},
		{"echo; read line; exit 0", func(c *Cmd) error { closeInput(c); return errCancel }, "exec: canceling Cmd: cannot"},
		{"echo; read line; exit 0", func(c *Cmd) error { closeInput(c); return os.ErrProcessDone }, ""},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		c := CommandContext(ctx, "sh", "-c", each.script)
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		inputs[c] = in
		c.Cancel = func() error { return each.cancel(c) }
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// The trap is set, and the program runs.
		if _, err := out.Read(oneByte()); err != nil {
			t.Fatal(err)
		}
		cancel()
		got := ""
		if err := c.Wait(); err != nil {
			got = err.Error()
		}
		if got != each.want {
			t.Errorf("%s: %q", each.script, got)
		}
	}
}

var inputs = map[*Cmd]io.Closer{}

func terminate(c *Cmd) error { return c.Process.Signal(syscall.SIGTERM) }

// The trap of a program that reads has no status of its own.
func closeInput(c *Cmd) error {
	inputs[c].Close()
	return nil
}

func TestWaitDelay(t *testing.T) {
	const short = 10 * time.Millisecond
	// A child of the program keeps the pipe.
	c := Command("sh", "-c", "sleep 1000 & echo $!")
	var out bytes.Buffer
	c.Stdout, c.WaitDelay = &out, short
	err := c.Run()
	kill(t, out.String())
	if err != ErrWaitDelay {
		t.Error(err)
	}
	// The same, and the program has failed.
	c = Command("sh", "-c", "sleep 1000 & echo $!; exit 3")
	out.Reset()
	c.Stdout, c.WaitDelay = &out, short
	err = c.Run()
	kill(t, out.String())
	if err == nil || err.Error() != "exit status 3" {
		t.Error(err)
	}
	// A program that ignores what Cancel does is killed, and its pipes are closed.
	for _, cancel := range []func(*Cmd) error{nil, terminate} {
		ctx, end := context.WithCancel(context.Background())
		c := CommandContext(ctx, "sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; wait; sleep 1000")
		said := &notifying{seen: make(chan struct{})}
		c.Stdout, c.WaitDelay, c.Cancel = said, short, nil
		if cancel != nil {
			c.Cancel = func() error { return cancel(c) }
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		<-said.seen
		end()
		err := c.Wait()
		kill(t, said.text.String())
		if err == nil || err.Error() != "signal: killed" {
			t.Error(err)
		}
	}
	// All is well within the delay.
	c = Command("echo", "word")
	out.Reset()
	c.Stdout, c.WaitDelay = &out, time.Hour
	if err := c.Run(); err != nil || out.String() != "word\n" {
		t.Error(err, out.String())
	}
}

// notifying tells when something has been written.
type notifying struct {
	text bytes.Buffer
	seen chan struct{}
}

func (n *notifying) Write(text []byte) (int, error) {
	if n.text.Len() == 0 {
		defer close(n.seen)
	}
	return n.text.Write(text)
}

func kill(t *testing.T, number string) {
	t.Helper()
	var pid int
	if _, err := fmt.Sscan(number, &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}
