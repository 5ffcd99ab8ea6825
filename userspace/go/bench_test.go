// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// BenchmarkStart starts a program and waits for it, by os.StartProcess and by this package.  In a
// guest whose clock counts instructions (qemu/vm --icount), the times are those.
func BenchmarkStart(b *testing.B) {
	for _, count := range []int{10, 10000} {
		b.Run(fmt.Sprint(count, "_descriptors"), func(b *testing.B) {
			openSoMany(b, count)
			for _, way := range []struct {
				name  string
				start starter
			}{{"os", os.StartProcess}, {"kspawn", StartProcess}} {
				b.Run(way.name, func(b *testing.B) { startAndWait(b, way.start) })
			}
		})
	}
}

func openSoMany(b *testing.B, count int) {
	b.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	if limit.Cur < uint64(count)+100 {
		limit.Cur, limit.Max = uint64(count)+100, uint64(count)+100
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			b.Skip(err)
		}
	}
	for i := 0; i < count; i++ {
		file, err := os.Open(os.DevNull)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { file.Close() })
	}
}

func startAndWait(b *testing.B, way starter) {
	b.Helper()
	before := asked()
	attr := &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}
	for i := 0; i < b.N; i++ {
		process, err := way("/bin/true", []string{"true"}, attr)
		if err != nil {
			b.Fatal(err)
		}
		if state, err := process.Wait(); err != nil || !state.Success() {
			b.Fatal(state, err)
		}
	}
	b.ReportMetric(float64(asked()-before)/float64(b.N), "by-the-kernel/op")
}
