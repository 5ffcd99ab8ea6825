// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse_server.h"
#include "own.h"
#include "scratch.h"

#define PATIENCE_MS	60000

/* False if something else comes, or nothing. */
static bool heard(const struct fuse_server *server, char what)
{
	struct pollfd ready = { .fd = server->hear, .events = POLLIN };
	char byte;
	int got;

	/* The end of a caller interrupts it; then it waits from the start. */
	do {
		got = poll(&ready, 1, PATIENCE_MS);
	} while (got < 0 && errno == EINTR);
	return got == 1 && read(server->hear, &byte, 1) == 1 && byte == what;
}

bool fuse_server_begin(struct fuse_server *server, const char *operation)
{
	char program[PATH_MAX];
	int to[2], from[2];

	if (geteuid() || access("/dev/fuse", R_OK | W_OK) ||
	    scratch_helper("fuse_server", program, sizeof(program)))
		return false;
	if (mkdir("there", 0755) || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return false;
	server->pid = fork();
	if (!server->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl(program, "fuse_server", "there", scratch_tiny, operation, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	server->say = to[1];
	server->hear = from[0];
	return server->pid > 0 && heard(server, 'r');
}

bool fuse_server_hangs(const struct fuse_server *server)
{
	return heard(server, 'h');
}

int fuse_server_go_on(const struct fuse_server *server)
{
	return write(server->say, "", 1) == 1 ? 0 : -1;
}

void fuse_server_end(struct fuse_server *server)
{
	umount2("there", MNT_DETACH);
	kill(server->pid, SIGKILL);
	own_wait(server->pid);
	close(server->say);
	close(server->hear);
}
