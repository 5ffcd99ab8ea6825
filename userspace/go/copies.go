// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// This file is about goroutines beside a program: those that copy its streams, and one that
// watches the context.

// startCopies begins the copies, and has the first error of them told when all are over.
func (c *Cmd) startCopies() {
	if len(c.copies) == 0 {
		return
	}
	errs := make(chan error, len(c.copies))
	for _, each := range c.copies {
		go func(work func() error) { errs <- work() }(each)
	}
	count := len(c.copies)
	c.copies = nil
	c.copied = make(chan error, 1)
	go func() {
		var first error
		for ; count > 0; count-- {
			if err := <-errs; first == nil {
				first = err
			}
		}
		c.copied <- first
	}()
}

// endCopies waits for the copies; not longer than there is patience, if WaitDelay limits it.
func (c *Cmd) endCopies(patience *time.Timer) error {
	if patience != nil {
		defer patience.Stop()
	}
	if c.copied == nil {
		return nil
	}
	if patience == nil && c.WaitDelay == 0 {
		return <-c.copied
	}
	if patience == nil {
		patience = time.NewTimer(c.WaitDelay)
		defer patience.Stop()
	}
	select {
	case err := <-c.copied:
		return err
	case <-patience.C:
		return c.cutCopies()
	}
}

// cutCopies ends copies that wait for whoever else has the other end of a pipe.  Those that are
// over already keep their error.
func (c *Cmd) cutCopies() error {
	select {
	case err := <-c.copied:
		return err
	default:
	}
	closeAll(&c.ours)
	<-c.copied
	return ErrWaitDelay
}

// watched is what the watcher of the context did.
type watched struct {
	err      error       // of Cancel, or that of the context
	patience *time.Timer // what is left of WaitDelay; nil: the context was not done
}

// startWatching begins to watch the context, if its end is to have an effect.
func (c *Cmd) startWatching() {
	if c.ctx == nil || c.ctx.Done() == nil || (c.Cancel == nil && c.WaitDelay == 0) {
		return
	}
	c.watching = make(chan watched)
	go c.watch()
}

// endWatching is called when the program has ended.
func (c *Cmd) endWatching() watched {
	if c.watching == nil {
		return watched{}
	}
	return <-c.watching
}

func (c *Cmd) watch() {
	select {
	case c.watching <- watched{}:
		return
	case <-c.ctx.Done():
	}
	var err error
	if c.Cancel != nil {
		switch failed := c.Cancel(); {
		case failed == nil:
			// The program may do something on account of that from now on.
			err = c.ctx.Err()
		case !errors.Is(failed, os.ErrProcessDone):
			err = fmt.Errorf("exec: canceling Cmd: %w", failed)
		}
	}
	if c.WaitDelay == 0 {
		c.watching <- watched{err: err}
		return
	}
	patience := time.NewTimer(c.WaitDelay)
	select {
	case c.watching <- watched{err, patience}:
		return
	case <-patience.C:
	}
	// The program has not ended.  If it is killed now, its end says so.
	killed := c.Process.Kill()
	if killed != nil && !errors.Is(killed, os.ErrProcessDone) {
		err = fmt.Errorf("exec: killing Cmd: %w", killed)
	}
	// One that could not be killed may end when its pipes do.
	if c.copied != nil {
		copyErr := c.cutCopies()
		c.copied = nil
		if err == nil && (killed != nil || copyErr == ErrWaitDelay) {
			err = copyErr
		}
	}
	c.watching <- watched{err: err}
}

// bothEnds keeps the beginning and the end of what is written to it.
type bothEnds struct {
	head    []byte
	tail    []byte // a ring, once it is full
	next    int    // where its oldest byte is then
	skipped int64
}

const mostOfEnd = 32 << 10

func (b *bothEnds) Write(text []byte) (int, error) {
	written := len(text)
	if room := mostOfEnd - len(b.head); room > 0 {
		if room > len(text) {
			room = len(text)
		}
		b.head = append(b.head, text[:room]...)
		text = text[room:]
	}
	if over := len(text) - mostOfEnd; over > 0 {
		// None of what is in the ring will be left.
		b.skipped += int64(over)
		text = text[over:]
	}
	if room := mostOfEnd - len(b.tail); room > 0 {
		if room > len(text) {
			room = len(text)
		}
		b.tail = append(b.tail, text[:room]...)
		text = text[room:]
	}
	for len(text) > 0 {
		taken := copy(b.tail[b.next:], text)
		b.next = (b.next + taken) % mostOfEnd
		b.skipped += int64(taken)
		text = text[taken:]
	}
	return written, nil
}

func (b *bothEnds) bytes() []byte {
	all := append([]byte(nil), b.head...)
	if b.skipped > 0 {
		all = append(all, "\n... omitting "+strconv.FormatInt(b.skipped, 10)+" bytes ...\n"...)
	}
	all = append(all, b.tail[b.next:]...)
	return append(all, b.tail[:b.next]...)
}

// closedOnce is a pipe that the caller may close, and Wait after that.
type closedOnce struct {
	*os.File
	once sync.Once
	err  error
}

// Close closes the pipe; again, it says the same again.
func (c *closedOnce) Close() error {
	c.once.Do(func() { c.err = c.File.Close() })
	return c.err
}
