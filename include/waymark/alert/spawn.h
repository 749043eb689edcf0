/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spawn.h - starts a program without a shell. Can kill the program and all processes that the
 * program started. */
#ifndef WAYMARK_ALERT_SPAWN_H
#define WAYMARK_ALERT_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* The user that a program runs as. If is_set is false, the program runs as the caller's user. */
struct spawn_user {
	bool is_set;
	uid_t uid;
	gid_t gid;
};

struct program {
	const char *path;
	char **environment; /* the complete environment, ended by NULL */
	const char *input;  /* what the program reads from its standard input; "": /dev/null */
	const struct spawn_user *user;
	int output_fd; /* standard output and standard error of the program; -1: drop its standard
		        * output, and let it inherit our standard error */
};

/* Start a program as p->user in a new session. The program has no supplementary groups and no
 * capabilities, and cannot gain capabilities. Its resources are limited, no signal is blocked, and
 * only the three standard descriptors are open. The parent of the program is a minder, which is a
 * child process of the caller. Set *pid to the pid of the minder. When the program and all
 * processes that it started have ended, the minder exits with the program's exit status. Return 0
 * or -errno. The call also fails if the program cannot be executed or the privileges cannot be
 * dropped. */
int program_spawn(const struct program *p, pid_t *pid);

/* Make the minder with this pid kill its program and all processes that the program started, in any
 * session. The minder exits soon after. If the process that called program_spawn() dies, the minder
 * kills them, too. Return 0 or -errno. */
int program_end(pid_t pid);

#endif
