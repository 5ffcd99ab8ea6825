/* SPDX-License-Identifier: GPL-2.0-only */
/* Structures of the ABI that carry their size, as those of clone3() and openat2(). */
#ifndef KSPAWN_COPY_H
#define KSPAWN_COPY_H

#include <linux/types.h>
#include <linux/uaccess.h>

#include "uapi/kspawn.h"

/**
 * kspawn_copy_struct() - copy a structure from user memory
 * @to:    where to; its first field is its size, as the caller knows it
 * @known: sizeof(*@to)
 * @from:  the caller's structure, of any size that it may have
 * @least: the size of its first published version
 *
 * The size is read once: @to has the one that was checked.
 *
 * Return: 0, -EFAULT, -EINVAL if it is too small, or -E2BIG if it is too large, or not
 * zero where this kernel does not know it.
 */
static inline int kspawn_copy_struct(void *to, size_t known,
				     const void __user *from, u32 least)
{
	u32 size;
	int err;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < least)
		return -EINVAL;
	if (size > KSPAWN_SIZE_MAX)
		return -E2BIG;
	err = copy_struct_from_user(to, known, from, size);
	if (!err)
		*(u32 *)to = size;
	return err;
}

#endif /* KSPAWN_COPY_H */
