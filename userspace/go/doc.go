// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

// Package kspawn starts programs by one call of the kernel module kspawn, without fork and
// without cgo.
//
// [Command] and [Cmd] have the shape of those of os/exec, and [StartProcess] has that of
// os.StartProcess: the same arguments, results, environment, signals, limits and descriptors of
// the child.  Where the module cannot be asked (there is none, the device may not be used, the
// process runs under seccomp), or a start wants what the kernel's request cannot say, the start
// is os.StartProcess's.  A program therefore runs everywhere:
//
//	cmd := kspawn.Command("date", "-u")
//	cmd.Stdout = os.Stdout
//	err := cmd.Run()
//
// The cost of a start does not grow with the descriptors that are close-on-exec, as all are that
// Go opens.
//
// # Starts that os.StartProcess makes
//
// These members of syscall.SysProcAttr are for os.StartProcess, and so is each that a later
// version of Go brings: Ptrace, Noctty, Cloneflags, AmbientCaps, UidMappings and GidMappings;
// Unshareflags with CLONE_NEWNS or CLONE_NEWUSER; Credential in a process whose real, effective
// and saved IDs are not all the same.
//
// # Errors
//
// A start fails with an *os.PathError that has the Op and the Path of os.StartProcess's.  If the
// kernel was asked, its Err is an [*Error], which says which step failed and wraps the
// syscall.Errno.  errors.Is finds fs.ErrNotExist and syscall.ENOENT in it; os.IsNotExist, which
// does not unwrap, does not.
//
// # Which way is taken
//
// The environment variable KSPAWN_BACKEND is that of libkspawn: "auto"; "kernel", where a start
// fails that the kernel cannot be asked for; "libc", by which os.StartProcess is meant here.
// [SetBackend] wins over it.
//
// # Descriptors, threads and limits
//
// A start holds syscall.ForkLock as os.StartProcess does, so a descriptor that another
// goroutine opens and marks close-on-exec under the lock is not inherited.  Starts of this
// package do not wait for each other.
//
// The parent is the thread that makes the call, which matters to Pdeathsig and after
// runtime.LockOSThread, as with os.StartProcess.
//
// Go raises the soft limit RLIMIT_NOFILE of its process.  With all but old versions the children
// of os.StartProcess have the original one.  Nothing but such a child tells that limit.  So the
// first start in a process whose limit is raised starts one more, by os.StartProcess: the
// process's own program, which is killed before its first instruction.  Where that fails (no
// /proc, ptrace is forbidden), all starts are os.StartProcess's.
package kspawn
