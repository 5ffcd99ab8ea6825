// SPDX-License-Identifier: GPL-2.0-only
/*
 * kspawn: start a program as a new child process in one step.
 *
 * The way of a request: device -> spawn (the caller's side) -> request (copied
 * and checked) -> descriptors (snapshot) -> child (comes apart from its caller,
 * then operations, then program).  A batch is several such requests, whose children
 * meet at a barrier before they do anything, and before they enter their programs.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "device.h"
#include "kernel_symbols.h"
#include "lists.h"
#include "request.h"

static int __init kspawn_init(void)
{
	int err;

	err = kspawn_kernel_symbols_resolve();
	if (err)
		return err;
	err = kspawn_request_init();
	if (err)
		return err;
	kspawn_lists_init();
	err = kspawn_device_register();
	if (err)
		goto no_device;
	return 0;

no_device:
	kspawn_lists_exit();
	synchronize_rcu_tasks();
	kspawn_request_exit();
	return err;
}

static void __exit kspawn_exit(void)
{
	kspawn_device_unregister();
	kspawn_lists_exit();
	/*
	 * Each child used the module until it was a program or had failed, so
	 * none is left; but the last few instructions of the last one may be.
	 */
	synchronize_rcu_tasks();
	kspawn_request_exit();
}

module_init(kspawn_init);
module_exit(kspawn_exit);

MODULE_AUTHOR("the kspawn authors");
MODULE_VERSION("0.2.0");
MODULE_DESCRIPTION("posix_spawn as one system call, prototyped as an ioctl");
MODULE_LICENSE("GPL");
