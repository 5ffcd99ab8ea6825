// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// StartProcess starts a program as os.StartProcess does, by the kernel if that can be asked and
// the request can say all that is wanted, else by os.StartProcess.  A start that fails leaves no
// child and no descriptor.
//
// An attr that is nil is one without wishes.
func StartProcess(name string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	if attr == nil {
		attr = &os.ProcAttr{}
	}
	by := backend()
	if by != OS {
		process, asked, err := startByKernel(name, argv, attr, by == Kernel)
		if asked {
			return process, err
		}
	}
	return os.StartProcess(name, argv, attr)
}

// startByKernel returns false if the start is for os.StartProcess; if the kernel is insisted on,
// only one that os.StartProcess refuses.
func startByKernel(name string, argv []string, attr *os.ProcAttr, insist bool) (*os.Process, bool, error) {
	other := func(errno syscall.Errno, step Step, what string) (*os.Process, bool, error) {
		if !insist {
			return nil, false, nil
		}
		failure := &Error{Errno: errno, Step: step, What: what}
		return nil, true, &fs.PathError{Op: "fork/exec", Path: name, Err: failure}
	}
	current, err := theDevice()
	if err != nil {
		return other(syscall.ENOSYS, StepDevice, devicePath+" ("+err.Error()+")")
	}
	p := newPlan(name, argv, attr)
	// The files of attr are not finalized, and so not closed, before the call is over.
	defer runtime.KeepAlive(attr)
	if p == nil {
		return other(syscall.ENOTSUP, StepUnsupported, "SysProcAttr")
	}
	if p.hasNUL() {
		return nil, false, nil
	}
	limit, err := limitOfChildren()
	if err != nil {
		return other(syscall.ENOTSUP, StepUnsupported, "RLIMIT_NOFILE ("+err.Error()+")")
	}
	if limit != nil {
		p.add(operation{action: action{
			op: opRlimit, value: limit.Cur, value2: syscall.RLIMIT_NOFILE, value3: limit.Max,
		}})
	}
	if !current.can(p) {
		return other(syscall.ENOTSUP, StepUnsupported, "what an older module lacks")
	}
	got := p.ask()
	switch {
	case got.step == StepPolicy:
		return other(syscall.EPERM, got.step, nameOfStep(got.step))
	case got.step == StepDevice:
		return other(syscall.ENOSYS, got.step, devicePath+" ("+got.errno.Error()+")")
	case got.errno != 0:
		return nil, true, p.pathError(got, attr)
	}
	if p.pidfd != nil {
		*p.pidfd = got.pidfd
	}
	// FindProcess never fails on Linux.  Nobody else gets the number meanwhile: the child keeps
	// it until somebody waits for it.
	process, _ := os.FindProcess(got.pid)
	return process, true, nil
}

// pathError is a failure in the shape of os.StartProcess's, which looks at the directory
// beforehand if there is no Sys, and then blames it.
func (p *plan) pathError(got answer, attr *os.ProcAttr) error {
	failure := p.failure(got.errno, got.step, got.index)
	isChdir := got.step == StepAction && int(got.index) < len(p.operations) &&
		p.operations[got.index].action.op == opChdir
	if isChdir && attr.Sys == nil {
		if _, err := os.Stat(attr.Dir); err != nil {
			failure.What = ""
			return &fs.PathError{Op: "chdir", Path: attr.Dir, Err: failure}
		}
	}
	return &fs.PathError{Op: "fork/exec", Path: p.name, Err: failure}
}
