// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.20

package kspawn

import "syscall"

// takeCgroup moves UseCgroupFD and CgroupFD into the plan.
func (p *plan) takeCgroup(sys *syscall.SysProcAttr) {
	if sys.UseCgroupFD {
		if !fits(sys.CgroupFD) {
			return
		}
		p.attrFlags |= attrSetCgroup
		p.cgroup = int32(sys.CgroupFD)
	}
	sys.UseCgroupFD, sys.CgroupFD = false, 0
}
