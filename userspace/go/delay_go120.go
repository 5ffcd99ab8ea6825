// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.20

package kspawn

import "os/exec"

var errWaitDelay = exec.ErrWaitDelay
