// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"sync"
	"unsafe"
)

// A request for the kernel is one block of memory without Go pointers: the structures, the
// lists of addresses and the strings.  The addresses in it are numbers, which the garbage
// collector does not see, and all of them point into the block itself.  The block is on the
// heap, since a pool and an interface hold it: the stack of a goroutine may move, an object on
// the heap does not.
type block struct {
	words []uint64
	used  int // words
	pin   pinner
}

const wordSize = 8

// A larger block is not kept for the next start.
const mostKept = 1 << 14 // words

var blocks = sync.Pool{New: func() any { return new(block) }}

// newBlock returns a block of zeroes with room for so many words.  It stays where it is, and
// alive, until release.
func newBlock(words int) *block {
	b := blocks.Get().(*block)
	if cap(b.words) < words {
		b.words = make([]uint64, words)
	} else {
		b.words = b.words[:words]
		for i := range b.words {
			b.words[i] = 0
		}
	}
	b.used = 0
	b.pin.hold(&b.words[0])
	return b
}

func (b *block) release() {
	b.pin.letGo()
	if cap(b.words) <= mostKept {
		blocks.Put(b)
	}
}

// take returns the next words of the block, and where they are.
func (b *block) take(words int) ([]uint64, uint64) {
	taken := b.words[b.used : b.used+words : b.used+words]
	b.used += words
	if words == 0 {
		return nil, 0
	}
	return taken, uint64(uintptr(unsafe.Pointer(&taken[0])))
}

func wordsFor(bytes int) int { return (bytes + wordSize - 1) / wordSize }

// strings is where strings are put one after another, each with its NUL.
type stringRoom struct {
	bytes   []byte
	address uint64
}

func (b *block) takeStrings(bytes int) stringRoom {
	words, address := b.take(wordsFor(bytes))
	if words == nil {
		return stringRoom{}
	}
	return stringRoom{unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), bytes), address}
}

// put copies a string, and returns where it is.
func (r *stringRoom) put(text string) uint64 {
	at := r.address
	taken := copy(r.bytes, text) + 1 // the NUL is there
	r.bytes = r.bytes[taken:]
	r.address += uint64(taken)
	return at
}
