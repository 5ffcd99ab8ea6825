// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn

// The structures and numbers of kmod/uapi/kspawn.h that a plain start takes.  uapi_test.go
// compares them with that header.

const devicePath = "/dev/kspawn"

// _IO(0xBC, 16) and _IO(0xBC, 17), on the machines for which there is a module.
const (
	iocInfo  = 0xbc10
	iocSpawn = 0xbc11
)

const flagPidfd = 0x1

const (
	attrSetPgroup = 0x002
	attrSetSid    = 0x080
	attrSetCgroup = 0x100
)

const (
	opClose     = 2
	opChdir     = 4
	opTcsetpgrp = 7
	opPass      = 10
	opRlimit    = 15
	opPdeathsig = 17
	opResuid    = 18
	opResgid    = 19
	opGroups    = 20
	opCtty      = 21
	opChroot    = 22
	opUnshare   = 28
)

// The sizes of the first published version, which every module has.
const (
	argsSizeVer0   = 152
	actionSizeVer0 = 48
	resultSizeVer0 = 24
)

const atFdcwd = -100

// kspawn_action, with one name for the members of each union.
type action struct {
	op     uint32
	fd     int32
	newfd  int32
	dirfd  int32
	path   uint64 // and data
	value  uint64 // and oflag
	value2 uint64 // and mode
	value3 uint64 // and resolve
}

// kspawn_result
type spawnResult struct {
	pid    int32
	pidfd  int32
	errno  int32
	step   uint32
	index  uint32
	status int32
}

// kspawn_args
type spawnArgs struct {
	size          uint32
	flags         uint32
	dirfd         int32
	attrFlags     uint32
	path          uint64
	search        uint64
	argv          uint64
	envp          uint64
	actions       uint64
	actionCount   uint32
	actionSize    uint32
	pgroup        int32
	cgroup        int32
	sigdefault    uint64
	sigmask       uint64
	sigignore     uint64
	schedPolicy   int32
	schedPriority int32
	completion    int32
	resultSize    uint32
	cookie        uint64
	result        uint64
	pid           uint64
	pidfd         uint64
	rusage        uint64
}

// kspawn_info
type spawnInfo struct {
	size       uint32
	flags      uint32
	attrFlags  uint32
	actionsMax uint32
	actions    uint64
	argsSize   uint32
	actionSize uint32
	resultSize uint32
	eventSize  uint32
	batchFlags uint32
	batchSize  uint32
}
