// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// The process's one descriptor of the device, which stays open.  A program may close it or put
// another file in its place behind our back.  So an answer that does not look like the device's
// is doubted, and the device is opened again.
type device struct {
	fd   int
	info spawnInfo
}

var opened atomic.Pointer[device]

// How often in one start the descriptor may be lost: a program that closes descriptors in one
// thread may take it each time, but not for ever.
const mostLosses = 16

// Programs have plans for the low numbers.
var preferredNumbers = [...]int{48, 10, 3}

func theDevice() (*device, error) {
	if current := opened.Load(); current != nil {
		return current, nil
	}
	return reopen(nil)
}

// reopen opens the device if lost is still what everybody uses.
func reopen(lost *device) (*device, error) {
	for {
		if current := opened.Load(); current != lost {
			if current != nil {
				return current, nil
			}
			lost = nil
		}
		fresh, err := openDevice()
		if err != nil {
			return nil, err
		}
		// A lost descriptor is somebody else's by now, and not closed.
		if opened.CompareAndSwap(lost, fresh) {
			return fresh, nil
		}
		syscall.Close(fresh.fd)
	}
}

func openDevice() (*device, error) {
	low, err := open(devicePath)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(low)
	fresh := &device{}
	if errno := getInfo(low, &fresh.info); errno != 0 {
		return nil, errno
	}
	info := &fresh.info
	if info.argsSize < argsSizeVer0 || info.actionSize < actionSizeVer0 || info.resultSize < resultSizeVer0 {
		return nil, syscall.EPROTO
	}
	for _, number := range preferredNumbers {
		high, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(low), syscall.F_DUPFD_CLOEXEC, uintptr(number))
		if errno == 0 {
			fresh.fd = int(high)
			return fresh, nil
		}
	}
	// No room beside the first one: it would be the program's last descriptor.
	return nil, syscall.EMFILE
}

func open(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// getInfo asks a descriptor what the module can do; another file has an error, or answers
// nothing.
func getInfo(fd int, info *spawnInfo) syscall.Errno {
	*info = spawnInfo{size: uint32(unsafe.Sizeof(*info))}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), iocInfo, uintptr(unsafe.Pointer(info)))
	if errno == syscall.ENOTTY || (errno == 0 && info.argsSize == 0) {
		return syscall.EPROTO
	}
	return errno
}

// lost tells whether the descriptor is another file by now.  EPERM is a seccomp filter's
// answer, which another descriptor would get as well.
func (d *device) lost() bool {
	var info spawnInfo
	errno := getInfo(d.fd, &info)
	return errno != 0 && errno != syscall.EPERM
}

// can tells whether the module knows all that a plan wants.
func (d *device) can(p *plan) bool {
	if uint32(len(p.operations)) > d.info.actionsMax || p.attrFlags&^d.info.attrFlags != 0 || p.flags&^d.info.flags != 0 {
		return false
	}
	for i := range p.operations {
		if d.info.actions>>p.operations[i].action.op&1 == 0 {
			return false
		}
	}
	return true
}
