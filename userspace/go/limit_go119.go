// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && !go1.23

package kspawn

import "syscall"

// mayBeRaised tells whether this can be a limit that Go has raised: to the hard limit, or, by
// the later ones of these versions, to one below.
func mayBeRaised(limit syscall.Rlimit) bool {
	return limit.Cur == limit.Max || limit.Cur+1 == limit.Max
}
