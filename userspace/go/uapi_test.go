// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const header = "../../kmod/uapi/kspawn.h"

// A C program tells what the header says; the same is said of what uapi.go has.
func TestHeader(t *testing.T) {
	if _, err := os.Stat(header); err != nil {
		t.Skip(err)
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip(err)
	}
	// The C name of each member; a union's is any of its members.
	structures := []struct {
		name    string
		value   any
		members string
	}{
		{"kspawn_action", action{}, "op fd newfd dirfd path oflag mode resolve"},
		{"kspawn_result", spawnResult{}, "pid pidfd error step index status"},
		{"kspawn_args", spawnArgs{}, "size flags dirfd attr_flags path search argv envp actions action_count " +
			"action_size pgroup cgroup sigdefault sigmask sigignore sched_policy sched_priority completion " +
			"result_size cookie result pid pidfd rusage"},
		{"kspawn_info", spawnInfo{}, "size flags attr_flags actions_max actions args_size action_size " +
			"result_size event_size batch_flags batch_size"},
	}
	constants := []struct {
		name  string
		value uint64
	}{
		{"KSPAWN_IOC_INFO", iocInfo}, {"KSPAWN_IOC_SPAWN", iocSpawn}, {"KSPAWN_PIDFD", flagPidfd},
		{"KSPAWN_ATTR_SETPGROUP", attrSetPgroup}, {"KSPAWN_ATTR_SETSID", attrSetSid},
		{"KSPAWN_ATTR_SETCGROUP", attrSetCgroup}, {"KSPAWN_ACTION_CLOSE", opClose},
		{"KSPAWN_ACTION_CHDIR", opChdir}, {"KSPAWN_ACTION_TCSETPGRP", opTcsetpgrp},
		{"KSPAWN_ACTION_PASS", opPass}, {"KSPAWN_ACTION_RLIMIT", opRlimit},
		{"KSPAWN_ACTION_PDEATHSIG", opPdeathsig}, {"KSPAWN_ACTION_RESUID", opResuid},
		{"KSPAWN_ACTION_RESGID", opResgid}, {"KSPAWN_ACTION_GROUPS", opGroups},
		{"KSPAWN_ACTION_CTTY", opCtty}, {"KSPAWN_ACTION_CHROOT", opChroot},
		{"KSPAWN_ACTION_UNSHARE", opUnshare}, {"KSPAWN_ARGS_SIZE_VER0", argsSizeVer0},
		{"KSPAWN_ACTION_SIZE_VER0", actionSizeVer0}, {"KSPAWN_RESULT_SIZE_VER0", resultSizeVer0},
		{"KSPAWN_STEP_POLICY", uint64(StepPolicy)}, {"KSPAWN_STEP_COPY", uint64(StepCopy)},
		{"KSPAWN_STEP_DESCRIPTORS", uint64(StepDescriptors)}, {"KSPAWN_STEP_CLONE", uint64(StepClone)},
		{"KSPAWN_STEP_ATTRIBUTE", uint64(StepAttribute)}, {"KSPAWN_STEP_ACTION", uint64(StepAction)},
		{"KSPAWN_STEP_PIDFD", uint64(StepPidfd)}, {"KSPAWN_STEP_EXEC", uint64(StepExec)},
	}
	dirfd := int32(atFdcwd)

	var program, ours strings.Builder
	program.WriteString("#include <stddef.h>\n#include <stdio.h>\n#include <fcntl.h>\n#include \"kspawn.h\"\nint main(void)\n{\n")
	for _, structure := range structures {
		shape := reflect.TypeOf(structure.value)
		members := strings.Fields(structure.members)
		if len(members) != shape.NumField() {
			t.Fatalf("%s has %d members here", structure.name, shape.NumField())
		}
		// The header's may have grown, at its end: a request says its size.
		fmt.Fprintf(&program, "printf(\"%s at least %d %%d\\n\", sizeof(struct %[1]s) >= %[2]d);\n", structure.name, shape.Size())
		fmt.Fprintf(&ours, "%s at least %d 1\n", structure.name, shape.Size())
		for i, member := range members {
			field := shape.Field(i)
			// The sign of a member is that of -1 in it.
			fmt.Fprintf(&program, "{ struct %s s; s.%s = -1; printf(\"%[1]s.%[2]s %%zu %%zu %%d\\n\", "+
				"offsetof(struct %[1]s, %[2]s), sizeof(s.%[2]s), s.%[2]s < 0); }\n", structure.name, member)
			signed := 0
			if field.Type.Kind() == reflect.Int32 {
				signed = 1
			}
			fmt.Fprintf(&ours, "%s.%s %d %d %d\n", structure.name, member, field.Offset, field.Type.Size(), signed)
		}
	}
	for _, constant := range constants {
		fmt.Fprintf(&program, "printf(\"%s %%llu\\n\", (unsigned long long)%[1]s);\n", constant.name)
		fmt.Fprintf(&ours, "%s %d\n", constant.name, constant.value)
	}
	program.WriteString("printf(\"AT_FDCWD %d\\n%s\\n\", AT_FDCWD, KSPAWN_DEVICE);\nreturn 0;\n}\n")
	fmt.Fprintf(&ours, "AT_FDCWD %d\n%s\n", dirfd, devicePath)

	built := filepath.Join(t.TempDir(), "header")
	compile := exec.Command(compiler, "-x", "c", "-", "-I", filepath.Dir(header), "-o", built)
	compile.Stdin = strings.NewReader(program.String())
	if said, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	theirs, err := exec.Command(built).Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(theirs) != ours.String() {
		t.Errorf("the header:\n%suapi.go:\n%s", theirs, ours.String())
	}
}
