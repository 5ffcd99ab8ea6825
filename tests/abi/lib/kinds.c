// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "kinds.h"
#include "scratch.h"

/* @step is that at which it fails; 0: it succeeds. */
struct kind {
	__u32 step;
	int error;
};

static const struct kind kinds[KINDS] = {
	{ KSPAWN_STEP_NONE, 0 },
	{ KSPAWN_STEP_EXEC, ENOENT },		/* not there: no child */
	{ KSPAWN_STEP_NONE, 0 },
	{ KSPAWN_STEP_ACTION, ENOENT },		/* an action fails */
	{ KSPAWN_STEP_EXEC, ENOENT },		/* after an action */
	{ KSPAWN_STEP_ATTRIBUTE, EPERM },	/* no such process group */
	{ KSPAWN_STEP_NONE, 0 },
	{ KSPAWN_STEP_EXEC, EACCES },		/* not a program */
	{ KSPAWN_STEP_COPY, EFAULT },
	{ KSPAWN_STEP_NONE, 0 },		/* with a pidfd */
};

void kind_prepare(struct spawn *s, unsigned int kind)
{
	spawn_init(s, scratch_tiny);
	spawn_arg(s, "tiny");
	switch (kind) {
	case 1:
		s->args.path = spawn_pointer("/no/such/program");
		break;
	case 2:
		spawn_open(s, 0, "/dev/null", O_RDONLY, 0);
		spawn_dup2(s, 0, 9);
		spawn_chdir(s, "/");
		break;
	case 3:
		spawn_close(s, 0);
		spawn_open(s, 5, "/no/such/file", O_RDONLY, 0);
		break;
	case 4:
		spawn_chdir(s, "/");
		s->args.path = spawn_pointer("no-such-program");
		break;
	case 5:
		s->args.attr_flags = KSPAWN_ATTR_SETPGROUP;
		s->args.pgroup = 1;
		break;
	case 6:
		s->args.attr_flags = KSPAWN_ATTR_SETSID | KSPAWN_ATTR_SETSIGMASK |
				     KSPAWN_ATTR_SETSIGDEF;
		s->args.sigmask = spawn_signal_bit(SIGUSR1);
		s->args.sigdefault = ~0ULL;
		break;
	case 7:
		s->args.path = spawn_pointer("/etc/passwd");
		break;
	case 8:
		s->args.argv = 8;
		break;
	case 9:
		s->args.flags = KSPAWN_PIDFD;
		break;
	}
}

bool kind_may_end(unsigned int kind, const struct outcome *o)
{
	const struct kind *k = &kinds[kind];

	if (o->pid > 0)
		return !k->step && !o->status;
	/* The caller did not stay to hear why. */
	if (o->step == KSPAWN_STEP_WAIT)
		return k->step && o->error == EINTR;
	return k->step == o->step && k->error == o->error;
}
