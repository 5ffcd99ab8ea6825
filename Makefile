# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The front door.  `make help` says what there is.

# Kernels to build the module for and to test on: 6.1, 6.12, debug.
KERNELS ?= 6.1 6.12

.PHONY: module
module:
	@qemu/kernels/module $(KERNELS)
