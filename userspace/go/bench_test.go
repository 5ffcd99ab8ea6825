// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// BenchmarkStart starts a program and waits for it, by os.StartProcess and by this package.  In a
// guest whose clock counts instructions (qemu/vm --icount), the times are those, as long as nothing
// waits for a disk: the program is in the directory for temporary files, and needs no library.
func BenchmarkStart(b *testing.B) {
	program := tinyProgram(b)
	for _, count := range []int{10, 10000} {
		b.Run(fmt.Sprint(count, "_descriptors"), func(b *testing.B) {
			openSoMany(b, count)
			for _, way := range []struct {
				name  string
				start starter
			}{{"os", os.StartProcess}, {"kspawn", StartProcess}} {
				b.Run(way.name, func(b *testing.B) { startAndWait(b, program, way.start) })
			}
		})
	}
}

// tinyProgram writes one that ends at once: exit(0) is all that it does.
func tinyProgram(b *testing.B) string {
	b.Helper()
	if runtime.GOARCH != "amd64" {
		return "/bin/true"
	}
	const base, headers = 0x400000, 64 + 56
	code := []byte{0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05} // mov $60, %eax; xor %edi, %edi; syscall
	size := uint64(headers + len(code))
	var image bytes.Buffer
	for _, part := range []any{
		elf.Header64{
			Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
			Entry: base + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		},
		elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Paddr: base,
			Filesz: size, Memsz: size, Align: 0x1000,
		},
		code,
	} {
		if err := binary.Write(&image, binary.LittleEndian, part); err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(b.TempDir(), "true")
	if err := os.WriteFile(path, image.Bytes(), 0o700); err != nil {
		b.Fatal(err)
	}
	return path
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
	openNull(b, count)
}

// openNull opens /dev/null so many times, until the test ends.
func openNull(t testing.TB, count int) {
	t.Helper()
	for i := 0; i < count; i++ {
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
	}
}

func startAndWait(b *testing.B, program string, way starter) {
	b.Helper()
	before := asked()
	attr := &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}
	for i := 0; i < b.N; i++ {
		process, err := way(program, []string{"true"}, attr)
		if err != nil {
			b.Fatal(err)
		}
		if state, err := process.Wait(); err != nil || !state.Success() {
			b.Fatal(state, err)
		}
	}
	b.ReportMetric(float64(asked()-before)/float64(b.N), "by-the-kernel/op")
}
