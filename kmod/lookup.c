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

#ifdef KSPAWN_HAVE_LOOKUP_NOPERM
#define lookup_one_len_unlocked(name, parent, length)	\
	lookup_noperm_unlocked(&QSTR_LEN(name, length), parent)
#endif

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

/* Whether somebody has to be asked before @dentry is passed: an automounter. */
static bool is_managed(const struct dentry *dentry)
{
	return dentry->d_flags & (DCACHE_NEED_AUTOMOUNT |
				  DCACHE_MANAGE_TRANSIT);
}

/* Whether what the cache says of @dentry may have changed unseen. */
static bool may_be_stale(const struct dentry *dentry)
{
	return dentry->d_flags & (DCACHE_OP_REVALIDATE |
				  DCACHE_OP_WEAK_REVALIDATE);
}

static struct dentry *cached_entry(struct dentry *parent, const char *name,
				   unsigned int length)
{
	struct qstr entry = QSTR_INIT(name, length);

	entry.hash = full_name_hash(parent, name, length);
	return d_lookup(parent, &entry);
}

/*
 * Go from @path to its entry of this name, if that is no symbolic link, "." or
 * "..", and the directory has no rules of its own for names.  A name that is not
 * cached is asked for if it is the @last.
 *
 * @certain is cleared by all that is passed and only the whole look-up tells of
 * for sure.  FOUND may be wrong then: the child looks again.  Nobody looks again
 * after ABSENT.
 */
static enum answer step(struct path *path, const char *name,
			unsigned int length, bool last, bool *certain)
{
	struct dentry *parent = path->dentry;
	struct dentry *child;
	bool stale = false;

	if (name[0] == '.' && length <= 2)
		return UNKNOWN;
	if (!d_can_lookup(parent) ||
	    (parent->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE)) ||
	    path_permission(path, MAY_EXEC))
		return UNKNOWN;

	child = cached_entry(parent, name, length);
	if (child) {
		stale = may_be_stale(child);
	} else {
		if (!last || !*certain)
			return UNKNOWN;
		child = lookup_one_len_unlocked(name, parent, length);
		if (IS_ERR(child))
			return child == ERR_PTR(-ENOENT) ? ABSENT : UNKNOWN;
	}
	path->dentry = child;
	dput(parent);
	*certain &= !is_managed(child);
	if (d_is_negative(child))
		return *certain && !stale ? ABSENT : UNKNOWN;
	/*
	 * d_revalidate() of a mount point may find its directory gone on the
	 * server, and d_invalidate() then unmounts.  That is not asked here: a
	 * name is told to be absent from a mount that a whole look-up would
	 * have removed.  Else, with a root on NFS, each missing name of a local
	 * mount would be a whole look-up.  The root of a mount may be managed,
	 * too: an automounter mounts there.
	 */
	while (d_mountpoint(path->dentry) && follow_down_one(path)) {
		stale = false;
		*certain &= !is_managed(path->dentry);
	}
	*certain &= !stale;
	return d_is_symlink(path->dentry) ? UNKNOWN : FOUND;
}

/*
 * The usual case: programs are started again and again, and searched for in
 * directories that are looked at again and again.  The whole look-up clears a
 * page for the name first, on kernels that clear memory as they allocate it,
 * which costs more than all of this.
 */
static enum answer ask_cache(const char *name)
{
	enum answer answer;
	bool certain = true;
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
		answer = length ? step(&path, name, length, !name[length],
				       &certain) : UNKNOWN;
		name += length;
	} while (answer == FOUND && *name);
	if (answer == FOUND && check_program(&path))
		answer = UNKNOWN;
	path_put(&path);
	return answer;
}

/**
 * kspawn_lookup_is_absent() - whether the cache of names knows that nothing is there
 * @name: a path
 *
 * It knows that only where the path leads through no symbolic link, so through
 * nothing that is another thing to another process, as /proc/self is.
 *
 * Return: true if execve() would say ENOENT, whichever process calls it.
 */
bool kspawn_lookup_is_absent(const char *name)
{
	return *name && ask_cache(name) == ABSENT;
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
