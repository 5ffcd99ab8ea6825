// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"sync"
	"syscall"
)

// Code that cannot open a descriptor close-on-exec in one step opens it and marks it under
// syscall.ForkLock.RLock.  A start copies the descriptors that are not marked, so it must not
// run meanwhile: it holds the lock for writing.  Starts do not harm each other, so those that
// overlap hold it together.
type starts struct {
	mutex    sync.Mutex
	ended    sync.Cond
	running  int
	admitted int // since the lock was taken
}

// After so many starts the lock is released once, for those who wait for it, before there are
// more.
const mostAdmitted = 64

var forkLock = func() *starts {
	s := &starts{}
	s.ended.L = &s.mutex
	return s
}()

func (s *starts) lock() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for s.running > 0 && s.admitted >= mostAdmitted {
		s.ended.Wait()
	}
	if s.running == 0 {
		syscall.ForkLock.Lock()
		s.admitted = 0
	}
	s.running++
	s.admitted++
}

func (s *starts) unlock() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.running--
	if s.running == 0 {
		syscall.ForkLock.Unlock()
		s.ended.Broadcast()
	}
}
