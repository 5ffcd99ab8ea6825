// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.23

package kspawn

import "syscall"

// mayBeRaised tells whether this can be a limit that Go has raised: it leaves one below the
// hard limit, by which it knows its own again.
func mayBeRaised(limit syscall.Rlimit) bool { return limit.Cur+1 == limit.Max }
