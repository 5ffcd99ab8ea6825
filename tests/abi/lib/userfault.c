// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userfault.h"

#define PATIENCE_MS	60000

int userfault_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int userfault_watch(int uffd, void *page, size_t size)
{
	struct uffdio_register where = {
		.range = { .start = (unsigned long)page, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (madvise(page, size, MADV_DONTNEED))
		return -1;
	return ioctl(uffd, UFFDIO_REGISTER, &where);
}

int userfault_wait(int uffd)
{
	struct pollfd poller = { .fd = uffd, .events = POLLIN };
	struct uffd_msg message;

	if (TEMP_FAILURE_RETRY(poll(&poller, 1, PATIENCE_MS)) != 1 ||
	    read(uffd, &message, sizeof(message)) != sizeof(message))
		return -1;
	return 0;
}

int userfault_answer(int uffd, void *page, const void *content, size_t size)
{
	struct uffdio_copy copy = {
		.dst = (unsigned long)page,
		.src = (unsigned long)content,
		.len = size,
	};

	return ioctl(uffd, UFFDIO_COPY, &copy);
}
