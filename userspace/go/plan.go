// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"os"
	"reflect"
	"strings"
	"syscall"
	"unsafe"
)

// An operation of the child on itself, with what its addresses will point to.
type operation struct {
	action action
	path   string
	data   []uint32
}

// A plan is a start in the words of the kernel's request.
type plan struct {
	name       string
	argv       []string
	env        []string
	flags      uint32
	attrFlags  uint32
	pgroup     int32
	cgroup     int32
	pidfd      *int // where the caller wants it
	operations []operation
}

func (p *plan) add(o operation) { p.operations = append(p.operations, o) }

func fits(number int) bool { return int(int32(number)) == number }

// newPlan returns nil if the request cannot say what is wanted.
//
// The operations come in the order in which the child of os.StartProcess does them, so the
// first that fails is the same.
func newPlan(name string, argv []string, attr *os.ProcAttr) *plan {
	p := &plan{name: name, argv: argv, env: attr.Env}
	if p.env == nil {
		p.env = os.Environ()
	}
	p.operations = make([]operation, 0, len(attr.Files)+8)
	var sys syscall.SysProcAttr
	if attr.Sys != nil {
		sys = *attr.Sys
		if (sys.Setctty && (sys.Foreground || sys.Ctty >= len(attr.Files))) || !fits(sys.Ctty) || !fits(sys.Pgid) {
			return nil
		}
		if !p.addIdentity(&sys) {
			return nil
		}
	}
	if attr.Dir != "" {
		p.add(operation{action: action{op: opChdir, dirfd: atFdcwd}, path: attr.Dir})
	}
	if sys.Pdeathsig > 0 {
		p.add(operation{action: action{op: opPdeathsig, value: uint64(sys.Pdeathsig)}})
		sys.Pdeathsig = 0
	}
	p.addFiles(attr.Files)
	if sys.Setctty {
		p.add(operation{action: action{op: opCtty, fd: int32(sys.Ctty), value: 1}})
	}
	sys.Setctty, sys.Ctty = false, 0
	if attr.Sys != nil {
		p.takeCgroup(&sys)
		p.takePidfd(&sys)
		// Not moved is what the request cannot say, in this version of Go or a later one.
		sys.GidMappingsEnableSetgroups = false // means nothing without GidMappings
		if !reflect.ValueOf(&sys).Elem().IsZero() {
			return nil
		}
	}
	return p
}

// addIdentity moves what the child does before it changes the directory into the plan.
func (p *plan) addIdentity(sys *syscall.SysProcAttr) bool {
	if sys.Setsid {
		p.attrFlags |= attrSetSid
	}
	if sys.Setpgid || sys.Foreground {
		p.attrFlags |= attrSetPgroup
		p.pgroup = int32(sys.Pgid)
	}
	if sys.Foreground {
		p.add(operation{action: action{op: opTcsetpgrp, fd: int32(sys.Ctty)}})
	}
	sys.Setsid, sys.Setpgid, sys.Foreground, sys.Pgid = false, false, false, 0
	// With a mount namespace os.StartProcess makes a mount, too, which the request cannot say.
	const unshared = syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID
	if flags := sys.Unshareflags; flags != 0 && flags&^unshared == 0 {
		p.add(operation{action: action{op: opUnshare, value: uint64(flags)}})
		sys.Unshareflags = 0
	}
	if sys.Chroot != "" {
		p.add(operation{action: action{op: opChroot, dirfd: atFdcwd}, path: sys.Chroot})
		sys.Chroot = ""
	}
	if cred := sys.Credential; cred != nil {
		// To setresuid() that number is no ID, and changes nothing; setuid() refuses it.
		const none = 1<<32 - 1
		if cred.Uid == none || cred.Gid == none || !idsAreOne() {
			return false
		}
		if !cred.NoSetGroups {
			size := uint64(4 * len(cred.Groups))
			p.add(operation{action: action{op: opGroups, value: size}, data: cred.Groups})
		}
		p.add(operation{action: ids(opResgid, cred.Gid)})
		p.add(operation{action: ids(opResuid, cred.Uid)})
		sys.Credential = nil
	}
	return true
}

func ids(op, id uint32) action {
	return action{op: op, value: uint64(id), value2: uint64(id), value3: uint64(id)}
}

// idsAreOne tells whether the real, effective and saved IDs are the same.  If they are, setuid()
// is setresuid() with the ID three times, whether the caller has the privilege or not.
func idsAreOne() bool {
	for _, call := range [...]uintptr{syscall.SYS_GETRESUID, syscall.SYS_GETRESGID} {
		id := new([3]uint32)
		_, _, errno := syscall.RawSyscall(call, uintptr(unsafe.Pointer(&id[0])), uintptr(unsafe.Pointer(&id[1])),
			uintptr(unsafe.Pointer(&id[2])))
		if errno != 0 || id[0] != id[1] || id[1] != id[2] {
			return false
		}
	}
	return true
}

// addFiles makes file i descriptor i of the child.  Each is one of the caller's at the time of
// the call, whatever takes its number in the child.
func (p *plan) addFiles(files []*os.File) {
	for i, file := range files {
		// As os.StartProcess does, Fd makes the file blocking, which the child expects.
		fd := int32(file.Fd())
		if fd < 0 { // a nil file, or a closed one
			p.add(operation{action: action{op: opClose, fd: int32(i)}})
		} else {
			p.add(operation{action: action{op: opPass, fd: fd, newfd: int32(i)}})
		}
	}
	for i := len(files); i < 3; i++ {
		p.add(operation{action: action{op: opClose, fd: int32(i)}})
	}
}

// hasNUL tells whether there is a string in the plan that no system call can take.
func (p *plan) hasNUL() bool {
	for _, list := range [...][]string{p.argv, p.env} {
		for _, text := range list {
			if strings.IndexByte(text, 0) >= 0 {
				return true
			}
		}
	}
	for i := range p.operations {
		if strings.IndexByte(p.operations[i].path, 0) >= 0 {
			return true
		}
	}
	return strings.IndexByte(p.name, 0) >= 0
}
