// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int report_prepare(struct report *r)
{
	char directory[PATH_MAX - 32];
	int fd;

	memset(r, 0, sizeof(*r));
	if (!getcwd(directory, sizeof(directory)))
		return -1;
	snprintf(r->path, sizeof(r->path), "%s/report.XXXXXX", directory);
	fd = mkostemp(r->path, O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fchmod(fd, 0666)) {
		close(fd);
		return -1;
	}
	return close(fd);
}

static char *read_whole(const char *path, size_t *size)
{
	struct stat st;
	ssize_t n = -1;
	char *data;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	data = fstat(fd, &st) ? NULL : malloc(st.st_size + 1);
	if (data) {
		*size = 0;
		while ((n = read(fd, data + *size, st.st_size - *size)) > 0)
			*size += n;
		data[*size] = '\0';
	}
	close(fd);
	if (n < 0) {
		free(data);
		data = NULL;
	}
	return data;
}

static void forget(struct report *r)
{
	free(r->data);
	r->data = NULL;
	r->size = 0;
}

int report_load(struct report *r)
{
	forget(r);
	r->data = read_whole(r->path, &r->size);
	if (!r->data)
		return -1;
	if (!report_section(r, "end", NULL)) {
		forget(r);
		errno = ENODATA;
		return -1;
	}
	return 0;
}

/* A section is "NAME SIZE\n", SIZE bytes, and a NUL. */
const char *report_section(const struct report *r, const char *name, size_t *size)
{
	size_t at = 0;

	while (at < r->size) {
		char *head = r->data + at;
		char *space = strchr(head, ' ');
		char *line = strchr(head, '\n');
		size_t length;

		if (!space || !line || line < space)
			return NULL;
		length = strtoul(space, NULL, 10);
		at = line + 1 - r->data;
		if (length >= r->size - at)
			return NULL;
		if ((size_t)(space - head) == strlen(name) && !strncmp(head, name, space - head)) {
			if (size)
				*size = length;
			return r->data + at;
		}
		at += length + 1;
	}
	return NULL;
}

const char *report_status(const struct report *r, const char *name)
{
	const char *line = report_section(r, "status", NULL);
	size_t length = strlen(name);

	while (line && *line) {
		if (!strncmp(line, name, length) && line[length] == ':') {
			line += length + 1;
			while (*line == ' ' || *line == '\t')
				line++;
			return line;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return "";
}

unsigned long long report_status_hex(const struct report *r, const char *name)
{
	return strtoull(report_status(r, name), NULL, 16);
}

int report_status_ids(const struct report *r, const char *name, unsigned int ids[4])
{
	const char *text = report_status(r, name);
	int i;

	for (i = 0; i < 4; i++) {
		char *end;

		ids[i] = strtoul(text, &end, 10);
		if (end == text)
			break;
		text = end;
	}
	return i;
}

long long report_stat(const struct report *r, int number)
{
	const char *at = report_section(r, "stat", NULL);
	int field = 2;

	/* The name in field 2 may hold anything, a ')' too. */
	at = at ? strrchr(at, ')') : NULL;
	while (at && field < number) {
		at = strchr(at, ' ');
		if (at)
			at++;
		field++;
	}
	return at ? strtoll(at, NULL, 10) : -1;
}

/* A line is "FD FLAGS FDFLAGS DEV INO MODE SIZE OWNER POS FOREGROUND TARGET". */
static const char *next_fd(const char *line, int *fd, struct report_fd *out, bool *good)
{
	const char *end = strchr(line, '\n');
	int used = 0;

	*good = false;
	if (!end)
		return NULL;
	if (out) {
		int flags = 0;

		*good = sscanf(line, "%d %o %d %llu %llu %o %*d %*u %lld %*d %n", fd, &out->flags,
			       &flags, &out->dev, &out->ino, &out->mode, &out->pos, &used) == 7;
		out->cloexec = flags & FD_CLOEXEC;
		snprintf(out->target, sizeof(out->target), "%.*s", (int)(end - line - used),
			 line + used);
	} else {
		char *after;

		*fd = strtol(line, &after, 10);
		*good = after != line;
	}
	return end + 1;
}

int report_fd_count(const struct report *r)
{
	const char *line = report_section(r, "fds", NULL);
	int count = 0;
	bool good;
	int fd;

	while (line && *line) {
		line = next_fd(line, &fd, NULL, &good);
		count += good;
	}
	return count;
}

bool report_fd(const struct report *r, int wanted, struct report_fd *out)
{
	const char *line = report_section(r, "fds", NULL);
	bool good;
	int fd;

	while (line && *line) {
		line = next_fd(line, &fd, out, &good);
		if (good && fd == wanted)
			return true;
	}
	memset(out, 0, sizeof(*out));
	return false;
}

const char *report_fd_list(const struct report *r)
{
	static char list[4096];
	const char *line = report_section(r, "fds", NULL);
	size_t used = 0;
	bool good;
	int fd;

	list[0] = '\0';
	while (line && *line && used < sizeof(list) - 16) {
		line = next_fd(line, &fd, NULL, &good);
		if (good)
			used += snprintf(list + used, sizeof(list) - used, "%s%d",
					 used ? " " : "", fd);
	}
	return list;
}

static const char *nth_string(const struct report *r, const char *section, int n)
{
	size_t size, at = 0;
	const char *strings = report_section(r, section, &size);

	if (!strings)
		return NULL;
	while (at < size && n--)
		at += strlen(strings + at) + 1;
	return at < size ? strings + at : NULL;
}

const char *report_arg(const struct report *r, int n)
{
	return nth_string(r, "cmdline", n);
}

int report_argc(const struct report *r)
{
	const char *argc = report_section(r, "argc", NULL);

	return argc ? (int)strtol(argc, NULL, 10) : -1;
}

const char *report_env(const struct report *r, int n)
{
	return nth_string(r, "environ", n);
}
