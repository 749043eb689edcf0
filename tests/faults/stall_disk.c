/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall_disk.c - preload library that makes a folder behave like a disk that does not answer or
 * reports errors: while the file STALL_WHILE exists, opening, writing or syncing a file below
 * STALL_BELOW blocks, or fails with the errno that the file contains.
 */
#define _GNU_SOURCE /* O_LARGEFILE, RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Return the errno that STALL_WHILE contains, 0 if it is empty, or -1 if it does not exist. */
static int wanted_errno(const char *file)
{
	char text[16] = "";
	int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (syscall(SYS_read, fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	syscall(SYS_close, fd);
	return atoi(text);
}

/* Block, or return -1 with errno if the call must fail. */
static int stall(const char *path)
{
	const char *below = getenv("STALL_BELOW"), *file = getenv("STALL_WHILE");
	int error;

	if (!below || !file || strncmp(path, below, strlen(below)))
		return 0;
	while ((error = wanted_errno(file)) == 0)
		usleep(20000);
	if (error < 0)
		return 0;
	errno = error;
	return -1;
}

static int file_open(const char *path, int flags, va_list args)
{
	int mode = flags & O_CREAT ? va_arg(args, int) : 0;

	if (stall(path))
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = file_open(path, flags, args);
	va_end(args);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = file_open(path, flags | O_LARGEFILE, args);
	va_end(args);
	return fd;
}

/* --- open files --------------------------------------------------------- */

static int fd_stall(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return stall(path);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	ssize_t (*next)(int, const void *, size_t, off64_t) =
		(ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");

	if (fd_stall(fd))
		return -1;
	return next(fd, bytes, n, at);
}

/* stdio opens files without calling open(). */
FILE *fopen(const char *path, const char *mode)
{
	FILE *(*next)(const char *, const char *) =
		(FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");

	if (stall(path))
		return NULL;
	return next(path, mode);
}

int fsync(int fd)
{
	if (fd_stall(fd))
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	if (fd_stall(fd))
		return -1;
	return (int)syscall(SYS_fdatasync, fd);
}
