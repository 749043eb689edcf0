/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spawn.h - starts one program without a shell, and kills it with all processes that it started. */
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
	const char *input;  /* text for its standard input; "": /dev/null */
	const struct spawn_user *user;
	int output_fd; /* standard output and standard error of the program; -1: drop its standard
		        * output, and let it inherit our standard error */
};

/* Start a program as p->user in a new session. The program has no supplementary groups and no
 * capabilities, and cannot gain capabilities. Its resources are limited, no signal is blocked, and
 * only the three standard descriptors are open. The parent of the program is a minder: a child
 * process of the caller. Set *pid to the pid of the minder. The minder exits with the program's
 * exit status when all processes that the program started have ended. Return 0 or -errno. The call
 * also fails if the program cannot be executed or the privileges cannot be dropped. */
int program_spawn(const struct program *p, pid_t *pid);

/* Kill the program of a minder and all processes that it started, in any session. The minder exits
 * soon after. A minder does the same when the process that called program_spawn() dies. Return 0 or
 * -errno. */
int program_end(pid_t pid);

#endif
