// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux

package kspawn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"kspawn"
)

func ExampleCommand() {
	output, err := kspawn.Command("echo", "by whom it may be").Output()
	fmt.Printf("%s%v\n", output, err)
	// Output:
	// by whom it may be
	// <nil>
}

func ExampleCmd_Run() {
	var upper strings.Builder
	command := kspawn.Command("tr", "a-z", "A-Z")
	command.Stdin = strings.NewReader("some text\n")
	command.Stdout = &upper
	if err := command.Run(); err != nil {
		fmt.Println(err)
	}
	fmt.Print(upper.String())
	// Output: SOME TEXT
}

func ExampleCommandContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(kspawn.CommandContext(ctx, "sleep", "1000").Run())
	// Output: signal: killed
}

// The end of a program that fails is an error of os/exec's type.
func ExampleExitError() {
	err := kspawn.Command("sh", "-c", "exit 3").Run()
	var failed *kspawn.ExitError
	fmt.Println(errors.As(err, &failed), err)
	// Output: true exit status 3
}

// With the module, the error says which step failed.
func ExampleError() {
	command := kspawn.Command("true")
	command.Dir = "/etc/passwd"
	err := command.Run()
	var failed *kspawn.Error
	if errors.As(err, &failed) && failed.What != "chdir /etc/passwd" {
		fmt.Println(failed.What)
	}
	fmt.Println(strings.HasSuffix(err.Error(), "not a directory"))
	// Output: true
}

func ExampleStartProcess() {
	attr := &os.ProcAttr{Dir: "/", Files: []*os.File{nil, os.Stdout, os.Stderr}}
	process, err := kspawn.StartProcess("/bin/pwd", []string{"pwd"}, attr)
	if err != nil {
		fmt.Println(err)
		return
	}
	state, err := process.Wait()
	fmt.Println(state, err)
	// Output:
	// /
	// exit status 0 <nil>
}
