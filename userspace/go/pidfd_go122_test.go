// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.22

package kspawn

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestPidfd(t *testing.T) {
	for _, way := range []starter{os.StartProcess, StartProcess} {
		pidfd := -2
		attr := &os.ProcAttr{Sys: &syscall.SysProcAttr{PidFD: &pidfd}}
		if _, err := way("/nonesuch", []string{"x"}, attr); !isENOENT(err) || pidfd >= 0 {
			t.Error(err, pidfd)
		}
		process, err := way("/bin/true", []string{"true"}, attr)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.ReadFile(fmt.Sprint("/proc/self/fdinfo/", pidfd))
		if err != nil || !strings.Contains(string(info), fmt.Sprintf("Pid:\t%d\n", process.Pid)) {
			t.Errorf("%s %v", info, err)
		}
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(pidfd), syscall.F_GETFD, 0)
		if errno != 0 || flags != syscall.FD_CLOEXEC {
			t.Error(flags, errno)
		}
		if _, err := process.Wait(); err != nil {
			t.Error(err)
		}
		// It is the caller's.
		if err := syscall.Close(pidfd); err != nil {
			t.Error(err)
		}
	}
}
