/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.h - starts one program, without a shell.
 */
#ifndef WAYMARK_SRC_ALERT_SPAWN_H
#define WAYMARK_SRC_ALERT_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* Who a program is to be; not is_set: who we are. */
struct spawn_user {
	bool is_set;
	uid_t uid;
	gid_t gid;
};

/* Starts path in a process group of its own, with this environment only, input
 * on its standard input, standard output nowhere, standard error ours, every
 * other descriptor closed, no signal blocked; as that user, in no other group,
 * without capabilities and without a way to gain any. 0 and *pid, or -errno also
 * where the program cannot be executed or the privileges cannot be given up. */
int program_spawn(const char *path, char **environment, const char *input,
		  const struct spawn_user *user, pid_t *pid);

#endif
