// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// An ExitError is that of os/exec: a program that ended otherwise than with the exit status 0.
type ExitError = exec.ExitError

// A Cmd is a program to start, or one that was started, as that of os/exec is; it serves for one
// start.  Its members and methods mean what they mean there, in the newest version of Go that
// this package knows: Cancel and WaitDelay are here with Go 1.19, too.
type Cmd struct {
	// Path is the program; it is relative to Dir.
	Path string
	// Args are its arguments, beginning with its name; none: Path.
	Args []string
	// Env is its environment; nil: that of this process, with PWD if there is a Dir.  If a
	// variable is there more than once, the last one counts.
	Env []string
	// Dir is its working directory; "": that of this process.
	Dir string

	// Stdin is what it reads.  nil: /dev/null.  A file is handed to the program itself; for
	// any other reader a goroutine copies into a pipe.
	Stdin io.Reader
	// Stdout and Stderr are where its output goes, in the same way.  If both are the same, one
	// goroutine writes.
	Stdout io.Writer
	Stderr io.Writer
	// ExtraFiles are its descriptors from 3 on.
	ExtraFiles []*os.File

	// SysProcAttr is for StartProcess, which says what of it is for os.StartProcess.
	SysProcAttr *syscall.SysProcAttr

	// Process is there once it was started, ProcessState once it was waited for.
	Process      *os.Process
	ProcessState *os.ProcessState

	// Err is why Command did not find the program, and then the error of Start.
	Err error

	// Cancel is called when the context of CommandContext is done; CommandContext sets it to
	// kill the process.
	Cancel func() error
	// WaitDelay, if it is not 0, is how long after that, or after the end of the program, Wait
	// is patient: then the program is killed and the pipes are closed.
	WaitDelay time.Duration

	ctx      context.Context
	theirs   []io.Closer    // the program's files, which are closed here once it has them
	ours     []io.Closer    // our ends of pipes, which are closed when Wait is over
	copies   []func() error // between our ends and Stdin, Stdout, Stderr
	copied   chan error     // the first error of the copies, once all are over
	watching chan watched   // what the watcher of ctx did
}

// ErrWaitDelay is the error of a Wait that has closed pipes after WaitDelay, though the program
// itself ended well.  It is that of os/exec since Go 1.20.
var ErrWaitDelay = errWaitDelay

var errNUL = errors.New("exec: environment variable contains NUL")

// Command returns a Cmd for the program and its arguments.  A name without a slash is looked for
// by exec.LookPath.
func Command(name string, arg ...string) *Cmd {
	c := &Cmd{Path: name, Args: append([]string{name}, arg...)}
	if filepath.Base(name) != name {
		return c
	}
	found, err := exec.LookPath(name)
	if found != "" {
		c.Path = found
	}
	c.Err = err
	return c
}

// CommandContext is Command for a program that is killed, or otherwise ended by Cancel, when a
// context is done.
func CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	if ctx == nil {
		panic("nil Context")
	}
	c := Command(name, arg...)
	c.ctx = ctx
	c.Cancel = func() error { return c.Process.Kill() }
	return c
}

// String is the program and its arguments for a person to read, not for a shell.
func (c *Cmd) String() string {
	words := append([]string(nil), c.Args...)
	if c.Err == nil {
		if len(words) == 0 {
			return c.Path
		}
		words[0] = c.Path
	}
	return strings.Join(words, " ")
}

// Environ returns the environment that the program would have.
func (c *Cmd) Environ() []string {
	return (&exec.Cmd{Env: c.Env, Dir: c.Dir}).Environ()
}

func (c *Cmd) environment() ([]string, error) {
	for _, variable := range c.Env {
		if strings.IndexByte(variable, 0) >= 0 {
			return nil, errNUL
		}
	}
	return c.Environ(), nil
}

// Run starts the program and waits for its end.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Start starts the program.  After that, Wait must be called.
func (c *Cmd) Start() error {
	if c.Process != nil {
		return errors.New("exec: already started")
	}
	err := c.start()
	closeAll(&c.theirs)
	if err != nil {
		closeAll(&c.ours)
		c.copies = nil
		return err
	}
	c.startCopies()
	c.startWatching()
	return nil
}

func (c *Cmd) start() error {
	if c.Path == "" && c.Err == nil {
		c.Err = errors.New("exec: no command")
	}
	if c.Err != nil {
		return c.Err
	}
	if c.ctx == nil && c.Cancel != nil {
		return errors.New("exec: command with a non-nil Cancel was not created with CommandContext")
	}
	if c.ctx != nil && c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	files, err := c.files()
	if err != nil {
		return err
	}
	env, err := c.environment()
	if err != nil {
		return err
	}
	argv := c.Args
	if len(argv) == 0 {
		argv = []string{c.Path}
	}
	c.Process, err = StartProcess(c.Path, argv, &os.ProcAttr{Dir: c.Dir, Env: env, Files: files, Sys: c.SysProcAttr})
	return err
}

// files are those of the program.
func (c *Cmd) files() ([]*os.File, error) {
	stdin, err := c.fileToRead(c.Stdin)
	if err != nil {
		return nil, err
	}
	stdout, err := c.fileToWrite(c.Stdout)
	if err != nil {
		return nil, err
	}
	stderr := stdout
	if c.Stderr == nil || !areSame(c.Stdout, c.Stderr) {
		if stderr, err = c.fileToWrite(c.Stderr); err != nil {
			return nil, err
		}
	}
	return append([]*os.File{stdin, stdout, stderr}, c.ExtraFiles...), nil
}

// Writers of a type that cannot be compared are not the same.
func areSame(one, other io.Writer) (same bool) {
	defer func() { _ = recover() }()
	return one == other
}

func (c *Cmd) null(flag int) (*os.File, error) {
	file, err := os.OpenFile(os.DevNull, flag, 0)
	if err != nil {
		return nil, err
	}
	c.theirs = append(c.theirs, file)
	return file, nil
}

func (c *Cmd) fileToRead(from io.Reader) (*os.File, error) {
	switch from := from.(type) {
	case nil:
		return c.null(os.O_RDONLY)
	case *os.File:
		return from, nil
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.keep(theirs, ours)
	c.copies = append(c.copies, func() error {
		_, err := io.Copy(ours, from)
		// A program need not read all that there is for it.
		if failed, ok := err.(*fs.PathError); ok && failed.Op == "write" && failed.Err == syscall.EPIPE {
			err = nil
		}
		if closed := ours.Close(); err == nil {
			err = closed
		}
		return err
	})
	return theirs, nil
}

func (c *Cmd) fileToWrite(to io.Writer) (*os.File, error) {
	switch to := to.(type) {
	case nil:
		return c.null(os.O_WRONLY)
	case *os.File:
		return to, nil
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.keep(theirs, ours)
	c.copies = append(c.copies, func() error {
		_, err := io.Copy(to, ours)
		ours.Close() // a program that goes on writing is to notice
		return err
	})
	return theirs, nil
}

func (c *Cmd) keep(theirs, ours io.Closer) {
	c.theirs = append(c.theirs, theirs)
	c.ours = append(c.ours, ours)
}

func closeAll(files *[]io.Closer) {
	for _, file := range *files {
		file.Close()
	}
	*files = nil
}

// Wait waits for the end of the program, and for all that is to be copied.
func (c *Cmd) Wait() error {
	if c.Process == nil {
		return errors.New("exec: not started")
	}
	if c.ProcessState != nil {
		return errors.New("exec: Wait was already called")
	}
	state, err := c.Process.Wait()
	if err == nil && !state.Success() {
		err = &ExitError{ProcessState: state}
	}
	c.ProcessState = state

	// A cancellation and a failed copy are told only of a program that ended well.
	saw := c.endWatching()
	copyErr := c.endCopies(saw.patience)
	closeAll(&c.ours)
	for _, reason := range [...]error{saw.err, copyErr} {
		if err == nil {
			err = reason
		}
	}
	return err
}

// Output runs the program and returns its standard output.  If Stderr is nil, an ExitError has
// the beginning and the end of what the program wrote there.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("exec: Stdout already set")
	}
	var output bytes.Buffer
	c.Stdout = &output
	var ends *bothEnds
	if c.Stderr == nil {
		ends = &bothEnds{}
		c.Stderr = ends
	}
	err := c.Run()
	if failed, ok := err.(*ExitError); ok && ends != nil {
		failed.Stderr = ends.bytes()
	}
	return output.Bytes(), err
}

// CombinedOutput runs the program and returns its standard output and standard error as they
// came.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("exec: Stdout already set")
	}
	if c.Stderr != nil {
		return nil, errors.New("exec: Stderr already set")
	}
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	err := c.Run()
	return output.Bytes(), err
}

// StdinPipe returns a pipe to the program's standard input, which Wait closes.  If the program
// reads to the end, the caller closes it before.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if err := c.mayHavePipe("Stdin", c.Stdin != nil); err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.Stdin = theirs
	once := &closedOnce{File: ours}
	c.keep(theirs, once)
	return once, nil
}

// StdoutPipe returns a pipe from the program's standard output, which Wait closes: read all of it
// before.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	if err := c.mayHavePipe("Stdout", c.Stdout != nil); err != nil {
		return nil, err
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.Stdout = theirs
	c.keep(theirs, ours)
	return ours, nil
}

// StderrPipe is StdoutPipe for the standard error.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	if err := c.mayHavePipe("Stderr", c.Stderr != nil); err != nil {
		return nil, err
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.Stderr = theirs
	c.keep(theirs, ours)
	return ours, nil
}

func (c *Cmd) mayHavePipe(name string, isSet bool) error {
	if isSet {
		return errors.New("exec: " + name + " already set")
	}
	if c.Process != nil {
		return errors.New("exec: " + name + "Pipe after process started")
	}
	return nil
}
