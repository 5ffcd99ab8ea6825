// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && !go1.22

package kspawn

import "syscall"

// takePidfd moves nothing: there is no such member.
func (p *plan) takePidfd(*syscall.SysProcAttr) {}
