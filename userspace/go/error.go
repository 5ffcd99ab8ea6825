// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"strconv"
	"syscall"
)

// A Step is how far a start came that failed.
type Step uint32

// The steps of kspawn(4), in the order of a start's way, and two of this package.
const (
	StepPolicy      Step = 1 // callers like this one are refused: seccomp, I/O ports
	StepCopy        Step = 2 // reading the request; Index: which part, KSPAWN_ARG_*
	StepDescriptors Step = 3 // making the child's descriptor table
	StepClone       Step = 4 // creating the child
	StepAttribute   Step = 5 // Index: the KSPAWN_ATTR_* that failed
	StepAction      Step = 6 // Index: which of the request's actions, from 0
	StepPidfd       Step = 7 // making the pidfd
	StepExec        Step = 8 // finding and executing the program

	// StepDevice: /dev/kspawn cannot be used, and the kernel was insisted on.
	StepDevice Step = 256
	// StepUnsupported: the start wants what is for os.StartProcess, and the kernel was
	// insisted on.
	StepUnsupported Step = 1 << 16
)

// An Error is a start that the kernel was asked for, and did not make.  It is the Err of an
// *os.PathError.
type Error struct {
	Errno syscall.Errno
	Step  Step
	Index int    // which part of that step
	What  string // the same in words, such as "chdir /x"; "" at StepExec
}

// Error has the words of os.StartProcess at StepExec, and says otherwise what has failed.
func (e *Error) Error() string {
	if e.What == "" {
		return e.Errno.Error()
	}
	return e.What + ": " + e.Errno.Error()
}

// Unwrap returns the Errno.
func (e *Error) Unwrap() error { return e.Errno }

// failure makes an Error of what the kernel said of a plan.
func (p *plan) failure(errno syscall.Errno, step Step, index uint32) *Error {
	failed := &Error{Errno: errno, Step: step, Index: int(index)}
	switch step {
	case StepExec:
	case StepAction:
		failed.What = "action " + strconv.Itoa(int(index))
		if int(index) < len(p.operations) {
			failed.What = p.operations[index].String()
		}
	case StepAttribute:
		failed.What = nameOfAttribute(index)
	case StepCopy:
		failed.What = nameOfPart(index)
	default:
		failed.What = nameOfStep(step)
	}
	return failed
}

func nameOfStep(step Step) string {
	switch step {
	case StepPolicy:
		return "refused under seccomp or with I/O ports"
	case StepDescriptors:
		return "descriptor table"
	case StepClone:
		return "clone"
	case StepPidfd:
		return "pidfd"
	case StepDevice:
		return devicePath
	}
	return "step " + strconv.Itoa(int(step))
}

// The parts of a request that the kernel reads, KSPAWN_ARG_*.
func nameOfPart(index uint32) string {
	names := [...]string{"request", "path", "search list", "arguments", "environment", "actions", "attributes"}
	if int(index) < len(names) {
		return names[index]
	}
	return names[0]
}

func nameOfAttribute(flag uint32) string {
	switch flag {
	case attrSetPgroup:
		return "Setpgid"
	case attrSetSid:
		return "Setsid"
	case attrSetCgroup:
		return "CgroupFD"
	}
	return "attribute " + strconv.FormatUint(uint64(flag), 16)
}

// String says what an operation does, as the caller asked for it.
func (o *operation) String() string {
	switch o.action.op {
	case opClose:
		return "close descriptor " + strconv.Itoa(int(o.action.fd))
	case opPass:
		return "descriptor " + strconv.Itoa(int(o.action.fd)) + " as " + strconv.Itoa(int(o.action.newfd))
	case opChdir:
		return "chdir " + o.path
	case opChroot:
		return "chroot " + o.path
	case opTcsetpgrp:
		return "Foreground"
	case opCtty:
		return "Setctty"
	case opUnshare:
		return "Unshareflags"
	case opPdeathsig:
		return "Pdeathsig"
	case opGroups, opResgid, opResuid:
		return "Credential"
	case opRlimit:
		return "RLIMIT_NOFILE"
	}
	return "operation " + strconv.Itoa(int(o.action.op))
}
