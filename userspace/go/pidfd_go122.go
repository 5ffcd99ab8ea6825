// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.22

package kspawn

import "syscall"

// takePidfd moves PidFD into the plan.
func (p *plan) takePidfd(sys *syscall.SysProcAttr) {
	if sys.PidFD != nil {
		p.flags |= flagPidfd
		p.pidfd = sys.PidFD
		sys.PidFD = nil
	}
}
