/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall_users.c - preload library that makes the name service for users hang: getpwuid blocks
 * while the file STALL_USERS exists; fgetpwent, which reads a local file and is called only by
 * the event loop, while STALL_LOOP exists.

 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void stall(const char *variable)
{
	const char *file = getenv(variable);

	while (file && !access(file, F_OK))
		usleep(20000);
}

struct passwd *getpwuid(uid_t uid)
{
	struct passwd *(*next)(uid_t) = (struct passwd * (*)(uid_t)) dlsym(RTLD_NEXT, "getpwuid");

	stall("STALL_USERS");
	return next(uid);
}

struct passwd *fgetpwent(FILE *file)
{
	struct passwd *(*next)(FILE *) =
		(struct passwd * (*)(FILE *)) dlsym(RTLD_NEXT, "fgetpwent");

	stall("STALL_LOOP");
	return next(file);
}
