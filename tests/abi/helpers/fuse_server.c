// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file system in user space with one directory and a program in it, whose
 * server stops serving when it is asked to do a certain thing.
 *
 *	fuse_server MOUNTPOINT PROGRAM lookup|open|read|flush|never|stale|gone|late
 *
 * On stdout: "r" when it is mounted, "h" when it hangs.  A byte on stdin, or
 * its end, lets it go on; it does not hang again.  Instead its directory can be
 * stale once, as one that has been replaced, or "gone": from then on.  "late": the
 * program is not there when it is first looked for.
 */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM		2
#define NAME		"program"

static char *image;
static size_t size;
static const char *hang_at;

static void hang(const char *operation)
{
	char byte;

	if (strcmp(operation, hang_at))
		return;
	hang_at = "never";
	if (write(1, "h", 1) != 1 || read(0, &byte, 1) < 0)
		_exit(1);
}

static bool describe(fuse_ino_t inode, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = inode;
	st->st_nlink = 1;
	if (inode == FUSE_ROOT_ID) {
		st->st_mode = S_IFDIR | 0755;
		return true;
	}
	st->st_mode = S_IFREG | 0755;
	st->st_size = size;
	return inode == PROGRAM;
}

/* Nothing is to be kept, so that each start asks again. */
static void lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = PROGRAM };

	bool late = !strcmp(hang_at, "late");

	if (late)
		hang_at = "never";
	if (late || parent != FUSE_ROOT_ID || strcmp(name, NAME)) {
		fuse_reply_err(request, ENOENT);
		return;
	}
	hang("lookup");
	describe(PROGRAM, &entry.attr);
	fuse_reply_entry(request, &entry);
}

static void get_attributes(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	bool stale = !strcmp(hang_at, "stale");
	struct stat st;

	(void)file;
	if (inode == FUSE_ROOT_ID && (stale || !strcmp(hang_at, "gone"))) {
		if (stale)
			hang_at = "never";
		fuse_reply_err(request, ESTALE);
		return;
	}
	if (describe(inode, &st))
		fuse_reply_attr(request, &st, 0);
	else
		fuse_reply_err(request, ENOENT);
}

static void open_file(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	(void)inode;
	hang("open");
	fuse_reply_open(request, file);
}

static void read_file(fuse_req_t request, fuse_ino_t inode, size_t count, off_t from,
		      struct fuse_file_info *file)
{
	size_t start = (size_t)from < size ? (size_t)from : size;

	(void)inode;
	(void)file;
	hang("read");
	fuse_reply_buf(request, image + start, count < size - start ? count : size - start);
}

static void flush_file(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	(void)inode;
	(void)file;
	hang("flush");
	fuse_reply_err(request, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = lookup,
	.getattr = get_attributes,
	.open = open_file,
	.read = read_file,
	.flush = flush_file,
};

static int load(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		return -1;
	size = st.st_size;
	image = malloc(size);
	if (!image || read(fd, image, size) != (ssize_t)size)
		return -1;
	return close(fd);
}

int main(int argc, char **argv)
{
	/* For everybody, and with the kernel's own checks. */
	char * const options[] = { argv[0], "-o", "allow_other,default_permissions", NULL };
	struct fuse_args arguments = FUSE_ARGS_INIT(3, (char **)options);
	struct fuse_session *session;

	if (argc != 4 || load(argv[2])) {
		fprintf(stderr, "usage: fuse_server MOUNTPOINT PROGRAM lookup|open|read|flush|never|stale|gone|late\n");
		return 2;
	}
	hang_at = argv[3];
	session = fuse_session_new(&arguments, &operations, sizeof(operations), NULL);
	if (!session || fuse_session_mount(session, argv[1]) || write(1, "r", 1) != 1)
		return 1;
	return fuse_session_loop(session) ? 1 : 0;
}
