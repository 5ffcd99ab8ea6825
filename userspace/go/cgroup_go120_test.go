// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.20

package kspawn

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCgroup(t *testing.T) {
	mustBeRoot(t)
	path, err := os.MkdirTemp("/sys/fs/cgroup", "kspawn-go-")
	if err != nil {
		t.Skip(err)
	}
	defer os.Remove(path)
	if _, err := os.Stat(filepath.Join(path, "cgroup.procs")); err != nil {
		t.Skip("no cgroup v2: ", err)
	}
	directory, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	s := shell("grep ^0:: /proc/self/cgroup").sys(func(sys *syscall.SysProcAttr) {
		sys.UseCgroupFD, sys.CgroupFD = true, int(directory.Fd())
	})
	if got, _ := s.same(t, true); !strings.HasSuffix(got.output, "/"+filepath.Base(path)+"\n") {
		t.Errorf("%+v", got)
	}
	// A number that means nothing, and one that is no cgroup.
	shell("true").sys(func(sys *syscall.SysProcAttr) { sys.CgroupFD = 77 }).same(t, true)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	shell("true").sys(func(sys *syscall.SysProcAttr) {
		sys.UseCgroupFD, sys.CgroupFD = true, int(null.Fd())
	}).same(t, true)
}
