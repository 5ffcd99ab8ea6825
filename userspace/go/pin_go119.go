// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && !go1.21

package kspawn

import "runtime"

// A pinner keeps the memory of a request alive while the kernel looks at it.  The garbage
// collector of these versions moves nothing that is on the heap.
type pinner struct{ first *uint64 }

func (p *pinner) hold(first *uint64) { p.first = first }

func (p *pinner) letGo() {
	runtime.KeepAlive(p.first)
	p.first = nil
}
