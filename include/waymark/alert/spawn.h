/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.h - starts one program, without a shell, and ends it with all that it started.
 */
#ifndef WAYMARK_ALERT_SPAWN_H
#define WAYMARK_ALERT_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* The user to run a program as; not is_set: our own. */
struct spawn_user {
	bool is_set;
	uid_t uid;
	gid_t gid;
};

struct program {
	const char *path;
	char **environment; /* the whole of it, ended by NULL */
	const char *input;  /* on its standard input; "": /dev/null */
	const struct spawn_user *user;
	int output_fd; /* standard output and error; -1: nowhere, and ours */
};

/* Start a program in a session of its own, below a minder, with every other descriptor
 * closed, no signal blocked, limited resources; as that user, in no other group, without
 * capabilities and without a way to gain any. *pid is the minder: it ends, with the
 * program's exit status, when all that the program started has ended. Return 0, or -errno
 * also where the program cannot be executed or the privileges cannot be given up. */
int program_spawn(const struct program *p, pid_t *pid);

/* Kill the program and all that it started, in whatever session; the minder ends soon
 * after. It does so, too, when the process that called program_spawn dies. 0 or -errno. */
int program_end(pid_t pid);

#endif
