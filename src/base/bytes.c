/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.c - writes a whole buffer, and continues after interrupted and short writes.
 */
#include "waymark/base/bytes.h"

#include <errno.h>
#include <unistd.h>

int bytes_write(int fd, const void *bytes, size_t size)
{
	const char *p = bytes;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}
