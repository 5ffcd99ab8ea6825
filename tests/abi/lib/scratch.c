// SPDX-License-Identifier: LGPL-2.1-or-later
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kspawn.h"
#include "scratch.h"

char scratch_directory[SCRATCH_PATH];
char scratch_child[SCRATCH_PATH];
char scratch_tiny[SCRATCH_PATH];

static pid_t owner;

static int copy_file(const char *from, const char *to, unsigned int mode)
{
	struct stat st;
	int in, out, error = 0;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return -1;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (out < 0) {
		error = errno;
	} else if (fstat(in, &st)) {
		error = errno;
	} else {
		while (st.st_size > 0 && !error) {
			ssize_t n = sendfile(out, in, NULL, st.st_size);

			if (n <= 0)
				error = n ? errno : EIO;
			else
				st.st_size -= n;
		}
		if (!error && fchmod(out, mode))
			error = errno;
	}
	if (out >= 0)
		close(out);
	close(in);
	errno = error;
	return error ? -1 : 0;
}

int scratch_helper(const char *name, char *path, unsigned int size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -1;
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	n = snprintf(path, size, "%s/helpers/%s", self, name);
	return n >= 0 && (unsigned int)n < size ? 0 : -1;
}

static int copy_helper(const char *name, const char *to)
{
	char from[PATH_MAX];

	return scratch_helper(name, from, sizeof(from)) ? -1 : copy_file(from, to, 0755);
}

int scratch_copy_child(const char *path, unsigned int mode)
{
	return copy_file(scratch_child, path, mode);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

/* Children of a test leave by _exit(), but not those of a library: check. */
static void __attribute__((destructor)) scratch_remove(void)
{
	if (owner != getpid() || !scratch_directory[0])
		return;
	if (chdir("/"))
		return;
	nftw(scratch_directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void __attribute__((constructor)) scratch_make(void)
{
	if (access(KSPAWN_DEVICE, F_OK))
		return;
	owner = getpid();
	snprintf(scratch_directory, sizeof(scratch_directory), "/tmp/kspawn-abi.XXXXXX");
	if (!mkdtemp(scratch_directory) || chmod(scratch_directory, 0777)) {
		perror("tests/abi: no directory in /tmp");
		exit(1);
	}
	snprintf(scratch_child, sizeof(scratch_child), "%.32s/child", scratch_directory);
	snprintf(scratch_tiny, sizeof(scratch_tiny), "%.32s/tiny", scratch_directory);
	if (copy_helper("../../kit/helpers/child", scratch_child) ||
	    copy_helper("tiny", scratch_tiny)) {
		perror("tests/abi: tests/kit/helpers/child and helpers/tiny of the build");
		exit(1);
	}
}

int scratch_enter(char *path, unsigned int size)
{
	int n = snprintf(path, size, "%s/test.XXXXXX", scratch_directory);

	if (n < 0 || (unsigned int)n >= size || !mkdtemp(path))
		return -1;
	if (chmod(path, 0777))
		return -1;
	return chdir(path);
}

int scratch_file(const char *path, const void *data, unsigned long size, unsigned int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error = 0;

	if (fd < 0)
		return -1;
	if (size && write(fd, data, size) != (ssize_t)size)
		error = EIO;
	else if (fchmod(fd, mode))
		error = errno;
	close(fd);
	errno = error;
	return error ? -1 : 0;
}

unsigned int scratch_scale(unsigned int rounds)
{
	const char *percent = getenv("KSPAWN_TEST_SCALE");
	unsigned long long scaled = rounds;

	if (percent)
		scaled = scaled * strtoul(percent, NULL, 10) / 100;
	return scaled ? scaled : 1;
}

unsigned int scratch_count(const char *name, unsigned int rounds)
{
	const char *count = getenv(name);

	return count ? strtoul(count, NULL, 10) : scratch_scale(rounds);
}

int scratch_doomed(const char *path)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr load;
	} file = {};

	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_ident[EI_DATA] = ELFDATA2LSB;
	file.header.e_type = ET_EXEC;
	file.header.e_machine = EM_X86_64;
	file.header.e_phoff = sizeof(file.header);
	file.header.e_phentsize = sizeof(Elf64_Phdr);
	file.header.e_phnum = 1;
	file.load.p_type = PT_LOAD;
	file.load.p_flags = PF_R | PF_X;
	file.load.p_vaddr = 0x00007ffffffff000 + 0x100000;	/* not user space */
	file.load.p_filesz = sizeof(file);
	file.load.p_memsz = sizeof(file);
	return scratch_file(path, &file, sizeof(file), 0755);
}
