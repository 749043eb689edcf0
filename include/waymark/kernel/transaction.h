/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transaction.h - runs a function in a child process that lives for that call: a library
 * that calls exit() or abort() when memory is short ends the child, and the caller goes on.
 *
 * A child of a process with threads may inherit a lock that is never released. Such a
 * process starts a launcher before its threads: children are then forked by that one.
 */
#ifndef WAYMARK_KERNEL_TRANSACTION_H
#define WAYMARK_KERNEL_TRANSACTION_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* How long a child may run before it is killed. */
#define TRANSACTION_SECONDS 10

/* Runs in the child, with a copy of the caller's bytes. With a launcher everything else is
 * as it was when the launcher began. What it writes to output and errors, and its result (0 or
 * -errno), are the reply. */
typedef int transaction_fn(const void *data, FILE *output, FILE *errors);

struct transaction_reply {
	char *output, *errors; /* malloc'd; free with transaction_clear */
	size_t output_size;    /* without the '\0' behind it */
};

/* Return fn's result, or -errno: -EOWNERDEAD: the child died, and errors says how. */
int transaction_run(transaction_fn *fn, const void *data, size_t size,
		    struct transaction_reply *reply);
void transaction_clear(struct transaction_reply *reply);

/* Whether this was one of the newest children: a notice names them, not us. */
#define TRANSACTION_CHILDREN 64
bool transaction_is_child(pid_t pid);

/* Starts the launcher, which keeps keep_fd (-1: none) and the standard streams of all that is
 * open. It ends with this process. 0 or -errno. */
int transaction_launcher_start(int keep_fd);
/* Whether it has not ended. Without it transaction_run forks by itself. */
bool transaction_launcher_is_running(void);
void transaction_launcher_stop(void);

#endif
