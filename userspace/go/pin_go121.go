// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.21

package kspawn

import "runtime"

// A pinner says to the garbage collector what the memory of a request needs: it stays where it
// is while the kernel looks at it.
type pinner struct{ runtime.Pinner }

func (p *pinner) hold(first *uint64) { p.Pin(first) }

func (p *pinner) letGo() { p.Unpin() }
