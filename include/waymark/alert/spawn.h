/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spawn.h - starts one program without a shell, and kills it with all processes that it started. */
#ifndef WAYMARK_ALERT_SPAWN_H
#define WAYMARK_ALERT_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* The user to run a program as. If is_set is false, the caller's user. */
struct spawn_user {
	bool is_set;
	uid_t uid;
	gid_t gid;
};

struct program {
	const char *path;
	char **environment; /* the whole of it, ended by NULL */
	const char *input;  /* text on its standard input; "": /dev/null */
	const struct spawn_user *user;
	int output_fd; /* for both outputs; -1: drop standard output, inherit standard error */
};

/* Start a program in its own session, as p->user, in no other group, with every other descriptor
 * closed, no signal blocked, limited resources, no capabilities and no way to gain any. *pid is the
 * minder, which is the program's parent and a child of the caller. The minder exits with the
 * program's exit status when all processes that the program started have ended. Return 0, or
 * -errno, also if the program cannot be executed or the privileges cannot be dropped. */
int program_spawn(const struct program *p, pid_t *pid);

/* Kill the program and all processes that it started, in any session; the minder exits soon after.
 * The minder also does this when the process that called program_spawn() dies. Return 0 or
 * -errno. */
int program_end(pid_t pid);

#endif
