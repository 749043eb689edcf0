/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall_receive.c - preload library that makes a slow machine of a fast one: recvmmsg, by which
 * events are read, takes a second longer while the file STALL_RECEIVE exists.
 */
#define _GNU_SOURCE /* RTLD_NEXT, recvmmsg */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int receive_fn(int, struct mmsghdr *, unsigned, int, struct timespec *);

int recvmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags, struct timespec *timeout)
{
	receive_fn *next = (receive_fn *)dlsym(RTLD_NEXT, "recvmmsg");
	const char *file = getenv("STALL_RECEIVE");

	if (file && !access(file, F_OK))
		usleep(1000000);
	return next(fd, headers, n, flags, timeout);
}
