/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.h - starts one program, without a shell.
 */
#ifndef WAYMARK_ALERT_SPAWN_H
#define WAYMARK_ALERT_SPAWN_H

#include <sys/types.h>

/* Starts path in a process group of its own, with this environment only, input
 * on its standard input, standard output nowhere, standard error ours, every
 * other descriptor closed, no signal blocked. 0 and *pid, or -errno also where
 * the program cannot be executed. */
int program_spawn(const char *path, char **environment, const char *input, pid_t *pid);

#endif
