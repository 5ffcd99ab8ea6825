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

/* The answers of the cache of names, and of one directory, about a program. */
enum answer {
	FOUND,		/* it is there, and may be executed */
	ABSENT,		/* execve() would say ENOENT */
	UNKNOWN,	/* the whole look-up tells */
};

/* Whether only the whole look-up tells what @dentry is and what is in it. */
static bool is_complicated(const struct dentry *dentry)
{
	return dentry->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE |
				  DCACHE_OP_REVALIDATE |
				  DCACHE_OP_WEAK_REVALIDATE |
				  DCACHE_NEED_AUTOMOUNT |
				  DCACHE_MANAGE_TRANSIT);
}

/*
 * The entry of this name, positive or negative, or NULL.  A name that is not
 * cached is asked for if it is the @last of a path.
 */
static struct dentry *entry_of(struct dentry *parent, const char *name,
			       unsigned int length, bool last)
{
	struct qstr entry = QSTR_INIT(name, length);
	struct dentry *child;

	entry.hash = full_name_hash(parent, name, length);
	child = d_lookup(parent, &entry);
	if (child || !last || is_complicated(parent))
		return child;
	return lookup_positive_unlocked(name, parent, length);
}

/*
 * Go from @path to its entry of this name, if that is simple: no symbolic link,
 * no rules of its own for names, no "." or "..".
 */
static enum answer step(struct path *path, const char *name,
			unsigned int length, bool last)
{
	struct dentry *parent = path->dentry;
	bool simple = !is_complicated(parent);
	struct dentry *child;

	if (name[0] == '.' && length <= 2)
		return UNKNOWN;
	if (!d_can_lookup(parent) ||
	    (parent->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE)) ||
	    path_permission(path, MAY_EXEC))
		return UNKNOWN;

	child = entry_of(parent, name, length, last);
	if (IS_ERR(child))
		return child == ERR_PTR(-ENOENT) ? ABSENT : UNKNOWN;
	if (!child)
		return UNKNOWN;
	path->dentry = child;
	dput(parent);
	if (d_is_negative(child))
		return simple && !is_complicated(child) ? ABSENT : UNKNOWN;
	while (d_mountpoint(path->dentry))
		if (!follow_down_one(path))
			break;
	return d_is_negative(path->dentry) || d_is_symlink(path->dentry) ?
		UNKNOWN : FOUND;
}

/*
 * The usual case: programs are started again and again, and searched for in
 * directories that are looked at again and again.  The whole look-up clears a
 * page for the name first, on kernels that clear memory as they allocate it,
 * which costs more than all of this.
 */
static enum answer ask_cache(const char *name)
{
	enum answer answer = UNKNOWN;
	struct path path;

	if (*name == '/')
		get_fs_root(current->fs, &path);
	else
		get_fs_pwd(current->fs, &path);

	do {
		unsigned int length;

		while (*name == '/')
			name++;
		length = strchrnul(name, '/') - name;
		answer = length ? step(&path, name, length, !name[length]) :
				  UNKNOWN;
		name += length;
	} while (answer == FOUND && *name);
	if (answer == FOUND && check_program(&path))
		answer = UNKNOWN;
	path_put(&path);
	return answer;
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
	switch (ask_cache(name)) {
	case FOUND:
		return 0;
	case ABSENT:
		return -ENOENT;
	case UNKNOWN:
		break;
	}
	err = kern_path(name, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = check_program(&path);
	path_put(&path);
	return err;
}
