/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* helpers/fuse_server: a file system at "there" whose server hangs when told to. */
#ifndef KSPAWN_ABI_FUSE_SERVER_H
#define KSPAWN_ABI_FUSE_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#define FUSE_NEEDED	"needs root and FUSE"

struct fuse_server {
	pid_t pid;
	int say;
	int hear;
};

/*
 * Mount it in the working directory, with the one file "program", which is helpers/tiny;
 * it hangs at the first "lookup", "open", "read" or "flush" of that, or serves as
 * helpers/fuse_server has it for "stale", "gone" and "late".  False if there is no FUSE.
 */
bool fuse_server_begin(struct fuse_server *server, const char *operation);

/* Wait until it hangs; false if it does not within a minute. */
bool fuse_server_hangs(const struct fuse_server *server);

/* Let it go on; -1 if it cannot. */
int fuse_server_go_on(const struct fuse_server *server);

/* Unmount it and end it. */
void fuse_server_end(struct fuse_server *server);

#endif /* KSPAWN_ABI_FUSE_SERVER_H */
