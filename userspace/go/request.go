// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"syscall"
	"unsafe"
)

const (
	argsWords   = int(unsafe.Sizeof(spawnArgs{})) / wordSize
	resultWords = int(unsafe.Sizeof(spawnResult{})) / wordSize
	actionWords = int(unsafe.Sizeof(action{})) / wordSize
)

// A request is a plan in the memory of a block.
type request struct {
	block  *block
	args   *spawnArgs
	result *spawnResult
}

func (p *plan) request() request {
	bytes := len(p.name) + 1
	for _, list := range [...][]string{p.argv, p.env} {
		for _, text := range list {
			bytes += len(text) + 1
		}
	}
	dataWords := 0
	for i := range p.operations {
		bytes += len(p.operations[i].path) + 1
		dataWords += wordsFor(4 * len(p.operations[i].data))
	}
	lists := len(p.argv) + 1 + len(p.env) + 1
	b := newBlock(argsWords + resultWords + actionWords*len(p.operations) + lists + dataWords + wordsFor(bytes))

	argsMemory, _ := b.take(argsWords)
	resultMemory, result := b.take(resultWords)
	r := request{b, (*spawnArgs)(unsafe.Pointer(&argsMemory[0])), (*spawnResult)(unsafe.Pointer(&resultMemory[0]))}
	actions, actionsAt := b.take(actionWords * len(p.operations))
	argv, argvAt := b.take(len(p.argv) + 1)
	envp, envpAt := b.take(len(p.env) + 1)
	room := b.takeStrings(bytes)

	*r.args = spawnArgs{
		size:       uint32(unsafe.Sizeof(spawnArgs{})),
		flags:      p.flags,
		dirfd:      atFdcwd,
		attrFlags:  p.attrFlags,
		path:       room.put(p.name),
		argv:       argvAt,
		envp:       envpAt,
		pgroup:     p.pgroup,
		cgroup:     p.cgroup,
		resultSize: uint32(unsafe.Sizeof(spawnResult{})),
		result:     result,
	}
	for i, text := range p.argv {
		argv[i] = room.put(text)
	}
	for i, text := range p.env {
		envp[i] = room.put(text)
	}
	if len(p.operations) > 0 {
		r.args.actions = actionsAt
		r.args.actionCount = uint32(len(p.operations))
		r.args.actionSize = uint32(unsafe.Sizeof(action{}))
	}
	for i := range p.operations {
		o := &p.operations[i]
		put := (*action)(unsafe.Pointer(&actions[i*actionWords]))
		*put = o.action
		if o.path != "" {
			put.path = room.put(o.path)
		} else {
			put.path = b.putData(o.data)
		}
	}
	return r
}

// putData copies numbers into the block; 0: there are none.
func (b *block) putData(numbers []uint32) uint64 {
	words, address := b.take(wordsFor(4 * len(numbers)))
	if words != nil {
		copy(unsafe.Slice((*uint32)(unsafe.Pointer(&words[0])), len(numbers)), numbers)
	}
	return address
}

// An answer is what came of a request: a child, or a failure.
type answer struct {
	pid   int
	pidfd int
	errno syscall.Errno
	step  Step
	index uint32
}

// No errno: still there after the call if our device has not seen the request.
const untouched = -1

// ask has the kernel make the start.
func (p *plan) ask() answer {
	current, err := theDevice()
	if err != nil {
		return failedDevice(err)
	}
	r := p.request()
	defer r.block.release()
	for losses := 0; ; losses++ {
		r.result.errno = untouched
		forkLock.lock()
		pid, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(current.fd), iocSpawn, uintptr(unsafe.Pointer(r.args)))
		forkLock.unlock()
		switch {
		case errno == 0 && r.result.errno == 0:
			return answer{pid: int(int32(pid)), pidfd: int(r.result.pidfd)}
		case r.result.errno > 0:
			return answer{errno: syscall.Errno(r.result.errno), step: Step(r.result.step), index: r.result.index}
		case errno == 0:
			errno = syscall.EPROTO
		}
		// The module never says EBADF or ENOTTY of a request that it has looked at.
		isOther := errno == syscall.EBADF || errno == syscall.ENOTTY
		if losses == mostLosses || (!isOther && !current.lost()) {
			// Refused before it was read: by the module, or by a seccomp filter.
			if errno == syscall.EPERM {
				return answer{errno: errno, step: StepPolicy}
			}
			return answer{errno: errno, step: StepCopy}
		}
		if current, err = reopen(current); err != nil {
			return failedDevice(err)
		}
	}
}

func failedDevice(err error) answer {
	errno, isErrno := err.(syscall.Errno)
	if !isErrno {
		errno = syscall.EPROTO
	}
	return answer{errno: errno, step: StepDevice}
}
