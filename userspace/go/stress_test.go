// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestTenThousandDescriptors(t *testing.T) {
	if !alone(t) {
		return
	}
	const count = 10000
	limit := syscall.Rlimit{Cur: count + 1000, Max: count + 1000}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	openNull(t, count)
	last, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer last.Close()
	if last.Fd() < count {
		t.Fatal("they are not open")
	}
	s := shell(listScript)
	s.extra = []*os.File{last}
	if got, _ := s.same(t, true); !strings.Contains(got.output, "\n/dev/zero\n") {
		t.Errorf("%+v", got)
	}
	// As many are given to the program, and it has them in order.
	s = shell(`cd /proc/$$/fd; readlink 2000 1002; set -- *; echo $#`)
	for i := 3; i <= 2000; i++ {
		s.extra = append(s.extra, []*os.File{nil, last}[i%2])
	}
	s.extra[1002-3], s.extra[2000-3] = s.extra[1], last
	if got, _ := s.same(t, true); !strings.HasPrefix(got.output, "/dev/zero\n") {
		t.Errorf("%+v", got)
	}
}

func TestManyGoroutines(t *testing.T) {
	before, started := resources(t), asked()
	const goroutines, each = 100, 3
	errs := make(chan error, goroutines)
	for i := 0; i < goroutines; i++ {
		go func(number int) {
			errs <- func() error {
				for j := 0; j < each; j++ {
					word := fmt.Sprintf("word %d of %d", j, number)
					output, err := Command("/bin/echo", word).Output()
					if err != nil || string(output) != word+"\n" {
						return fmt.Errorf("%q: %q, %v", word, output, err)
					}
					if err := Command("/nonesuch", word).Run(); !isENOENT(err) {
						return err
					}
				}
				return nil
			}()
		}(i)
	}
	for i := 0; i < goroutines; i++ {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if after := resources(t); after != before {
		t.Errorf("%s before, %s after", before, after)
	}
	if reached := asked() - started; hasModule() && reached < 2*goroutines*each {
		t.Error(reached, "by the kernel")
	}
}

// The collector runs all the time, objects die all the time, and stacks grow and move, while
// programs are started whose arguments are many and all different.
func TestCollectorDuringStarts(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	var running sync.WaitGroup
	during, stop := context.WithCancel(context.Background())
	running.Add(2)
	go func() {
		defer running.Done()
		for during.Err() == nil {
			runtime.GC()
		}
	}()
	go func() {
		defer running.Done()
		var kept [100][]byte
		for i := 0; during.Err() == nil; i++ {
			// Memory that was freed is written over.
			garbage := make([]byte, 64<<(i%12))
			for at := range garbage {
				garbage[at] = 0xff
			}
			kept[i%len(kept)] = garbage
			runtime.Gosched()
		}
	}()
	errs := make(chan error)
	const goroutines = 4
	for i := 0; i < goroutines; i++ {
		go func(number int) {
			for j := 0; j < 25; j++ {
				if err := deep(j*20, func() error { return startWithWords(number, j) }); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}(i)
	}
	for i := 0; i < goroutines; i++ {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	stop()
	running.Wait()
}

// deep calls from so many frames down.
func deep(frames int, call func() error) error {
	var room [256]byte
	if frames == 0 {
		return call()
	}
	room[frames%len(room)] = byte(frames)
	err := deep(frames-1, call)
	if room[frames%len(room)] != byte(frames) {
		return fmt.Errorf("the stack has changed")
	}
	return err
}

func startWithWords(number, round int) error {
	words := []string{"-c", `pwd; printf '%s\n' "$@"; echo "$VARIABLE"`, "sh"}
	want := "/usr\n"
	for i := 0; i < 300; i++ {
		words = append(words, fmt.Sprintf("%d %d %d %s", number, round, i, strings.Repeat("x", (i*round)%97)))
		want += words[len(words)-1] + "\n"
	}
	variable := strings.Repeat("y", 100*round)
	c := Command("/bin/sh", words...)
	c.Dir, c.Env = "/usr", []string{"VARIABLE=" + variable}
	output, err := c.Output()
	if err != nil {
		return err
	}
	if string(output) != want+variable+"\n" {
		return fmt.Errorf("%d %d: wrong words: %q", number, round, output)
	}
	return nil
}

func TestNothingIsLeft(t *testing.T) {
	// The descriptors that stay open are open from here on.
	if err := Command("true").Run(); err != nil {
		t.Fatal(err)
	}
	before := resources(t)
	for i := 0; i < 100; i++ {
		c := Command("/nonesuch")
		if _, err := c.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.StdoutPipe(); err != nil {
			t.Fatal(err)
		}
		if err := c.Run(); !isENOENT(err) {
			t.Fatal(err)
		}
		c = Command("true")
		c.Dir, c.Stdin = "/nonesuch", strings.NewReader("word")
		if _, err := c.Output(); !isENOENT(err) {
			t.Fatal(err)
		}
		c = Command("true")
		c.Env = []string{"\x00=1"}
		if _, err := c.CombinedOutput(); err == nil {
			t.Fatal("a NUL is taken")
		}
		if err := Command("true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	if after := resources(t); after != before {
		t.Errorf("%s before, %s after", before, after)
	}
}
