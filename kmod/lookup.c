// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/stringhash.h>

#include "lookup.h"

/* As path_noexec(), which is not exported. */
static bool forbids_exec(const struct path *path)
{
	return (path->mnt->mnt_flags & MNT_NOEXEC) ||
	       (path->mnt->mnt_sb->s_iflags & SB_I_NOEXEC);
}

/* The error that execve() would give for a file before it reads it. */
static int check_program(const struct path *path)
{
	if (!d_is_reg(path->dentry) || forbids_exec(path))
		return -EACCES;
	return path_permission(path, MAY_EXEC | MAY_OPEN);
}

/*
 * Go from @path to its entry of this name, if that is cached and simple: no
 * symbolic link, no rules of its own for names, no "." or "..".
 */
static bool step(struct path *path, const char *name, unsigned int length)
{
	struct qstr entry = QSTR_INIT(name, length);
	struct dentry *parent = path->dentry;
	struct dentry *child;

	if (name[0] == '.' && length <= 2)
		return false;
	if (!d_can_lookup(parent) ||
	    (parent->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE)) ||
	    path_permission(path, MAY_EXEC))
		return false;

	entry.hash = full_name_hash(parent, name, length);
	child = d_lookup(parent, &entry);
	if (!child)
		return false;
	path->dentry = child;
	dput(parent);
	while (d_mountpoint(path->dentry))
		if (!follow_down_one(path))
			break;
	return d_is_positive(path->dentry) && !d_is_symlink(path->dentry);
}

/*
 * Whether a program is there that the whole lookup would find too, told from
 * the cache of names alone.  The usual case: programs are started again and
 * again.  The whole lookup clears a page for the name first, on kernels that
 * clear memory as they allocate it, which costs more than all of this.
 */
static bool is_cached(const char *name)
{
	struct path path;
	bool found = true;

	if (*name == '/')
		get_fs_root(current->fs, &path);
	else
		get_fs_pwd(current->fs, &path);

	for (;;) {
		unsigned int length;

		while (*name == '/')
			name++;
		length = strchrnul(name, '/') - name;
		found = length && step(&path, name, length);
		name += length;
		if (!found || !*name)
			break;
	}
	if (found)
		found = !check_program(&path);
	path_put(&path);
	return found;
}

/**
 * kspawn_lookup() - whether execve() would find a program
 * @name: its path
 *
 * Return: 0, or the negative errno that execve() would give.
 */
int kspawn_lookup(const char *name)
{
	struct path path;
	int err;

	/* Inside the kernel an empty path is the working directory. */
	if (!*name)
		return -ENOENT;
	if (is_cached(name))
		return 0;
	err = kern_path(name, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = check_program(&path);
	path_put(&path);
	return err;
}
