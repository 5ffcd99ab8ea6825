// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// A Backend is a way to start programs.
type Backend int32

// The ways to start programs.
const (
	Auto   Backend = iota // the kernel if it can be asked, else os.StartProcess
	Kernel                // the kernel, or the start fails: ENOSYS, EPERM under seccomp, ENOTSUP
	OS                    // os.StartProcess
)

// The argument of SetBackend, plus one; 0: nobody has called it.
var chosen atomic.Int32

var fromEnvironment struct {
	once    sync.Once
	backend Backend
}

// SetBackend says who shall start programs from now on, in the whole process, and returns who
// was to do it before.  Other values than the three are Auto.
func SetBackend(backend Backend) Backend {
	if backend != Kernel && backend != OS {
		backend = Auto
	}
	before := askedInEnvironment()
	if told := chosen.Swap(int32(backend) + 1); told != 0 {
		return Backend(told - 1)
	}
	return before
}

func backend() Backend {
	if told := chosen.Load(); told != 0 {
		return Backend(told - 1)
	}
	return askedInEnvironment()
}

func askedInEnvironment() Backend {
	fromEnvironment.once.Do(func() {
		switch value := os.Getenv("KSPAWN_BACKEND"); {
		case value == "kernel" && !privileged():
			fromEnvironment.backend = Kernel
		case value == "libc" && !privileged():
			fromEnvironment.backend = OS
		}
	})
	return fromEnvironment.backend
}

// Whether the program runs with more privileges than its caller, as secure_getenv(3) has it.  A
// process that cannot tell is taken for one.
func privileged() bool {
	const atSecure = 23
	vector, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return true
	}
	word := func(at int) uint64 {
		if unsafe.Sizeof(uintptr(0)) == 4 {
			return uint64(nativeOrder.Uint32(vector[4*at:]))
		}
		return nativeOrder.Uint64(vector[8*at:])
	}
	words := len(vector) / int(unsafe.Sizeof(uintptr(0)))
	for at := 0; at+1 < words; at += 2 {
		if word(at) == atSecure {
			return word(at+1) != 0
		}
	}
	return true
}

var nativeOrder = func() binary.ByteOrder {
	number := uint16(1)
	if *(*byte)(unsafe.Pointer(&number)) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}()

// Available tells whether the kernel would be asked for a plain start now.  The answer is that
// of this moment: a module can come and go.
func Available() bool {
	if backend() == OS || underSeccomp() {
		return false
	}
	if _, err := theDevice(); err != nil {
		return false
	}
	if _, err := limitOfChildren(); err != nil {
		return false
	}
	// Nothing but a start tells whether the caller may use I/O ports, which the module refuses
	// before it looks for the program: here there is none to find.
	answer := (&plan{}).ask()
	return answer.step != StepPolicy && answer.step != StepDevice
}

func underSeccomp() bool {
	const prGetSeccomp = 21
	// A filter may refuse even the question, which is an answer as well.
	mode, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prGetSeccomp, 0, 0, 0, 0, 0)
	return errno != 0 || mode != 0
}
