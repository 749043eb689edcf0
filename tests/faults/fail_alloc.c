/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fail_alloc.c - preload library that makes one allocation of each process fail: number
 * ALLOC_FAIL_AT, counted over malloc, calloc and realloc (0: none). At its exit a process whose
 * ALLOC_COUNT names a file writes the number of its allocations there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The functions of glibc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static atomic_ulong made;
static unsigned long fail_at;
static pid_t counted;

static __attribute__((constructor)) void begin(void)
{
	const char *at = getenv("ALLOC_FAIL_AT");

	counted = getpid();
	fail_at = at ? strtoul(at, NULL, 10) : 0;
}

static __attribute__((destructor)) void end(void)
{
	const char *path = getenv("ALLOC_COUNT");
	int fd = path && counted == getpid() ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%lu\n", atomic_load(&made));
	close(fd);
}

static int fails(void)
{
	if (atomic_fetch_add(&made, 1) + 1 != fail_at || !fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
