// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && !go1.20

package kspawn

import "errors"

var errWaitDelay = errors.New("exec: WaitDelay expired before I/O complete")
