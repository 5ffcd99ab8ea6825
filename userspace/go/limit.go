// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

// Go raises the soft limit RLIMIT_NOFILE of its process before any of our code runs, keeps the
// original to itself, and, but for old versions, gives it to the children of os.StartProcess.
// Ours are to have the same.  A child of os.StartProcess tells what that is.
var original struct {
	mutex  sync.Mutex
	raised syscall.Rlimit // the limit of this process when a child was asked
	given  syscall.Rlimit // what the child had
	known  bool
	err    error // why no child can be asked, for good
}

// limitOfChildren returns the limit that a child is to be given; nil: the one it inherits is
// right.  If nobody can tell, the start is for os.StartProcess.
func limitOfChildren() (*syscall.Rlimit, error) {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		return nil, err
	}
	if !mayBeRaised(now) {
		return nil, nil
	}
	original.mutex.Lock()
	defer original.mutex.Unlock()
	if !original.known {
		if err := askChild(now); err != nil {
			return nil, err
		}
	}
	// A limit that was set since is the program's own wish.
	if now != original.raised || now == original.given {
		return nil, nil
	}
	given := original.given
	return &given, nil
}

// original.mutex is held.
func askChild(now syscall.Rlimit) error {
	if original.err != nil {
		return original.err
	}
	given, err := limitOfStoppedChild()
	switch {
	case err == nil:
		original.raised, original.given, original.known = now, given, true
	case !isShortage(err):
		original.err = err
	}
	return err
}

func isShortage(err error) bool {
	for _, shortage := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, shortage) {
			return true
		}
	}
	return false
}

// The child is this program again.  As it is traced, it stops at the exec, before its first
// instruction; os.StartProcess returns at the exec too.
func limitOfStoppedChild() (limit syscall.Rlimit, err error) {
	// The tracer is the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const self = "/proc/self/exe"
	attr := &syscall.ProcAttr{Env: []string{}, Sys: &syscall.SysProcAttr{Ptrace: true}}
	pid, _, err := syscall.StartProcess(self, []string{self}, attr)
	if err != nil {
		return limit, err
	}
	defer func() {
		// Whatever happens to the thread, the child runs no instruction: SIGKILL is the first
		// thing that it sees.  A stop that is told in between is no end.
		syscall.Kill(pid, syscall.SIGKILL)
		for {
			var status syscall.WaitStatus
			_, err := syscall.Wait4(pid, &status, 0, nil)
			if err != syscall.EINTR && (err != nil || status.Exited() || status.Signaled()) {
				return
			}
		}
	}()
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_NOFILE, 0,
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	if errno != 0 {
		return limit, os.NewSyscallError("prlimit", errno)
	}
	return limit, nil
}
