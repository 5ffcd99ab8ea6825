// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && !go1.20

package kspawn

import "syscall"

// takeCgroup moves nothing: there are no such members.
func (p *plan) takeCgroup(*syscall.SysProcAttr) {}
