/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transaction.h - runs a function in a child process. The child ends when the function returns. If
 * a library calls exit() or abort() because memory is short, only the child ends.
 *
 * If a process with threads forks, another thread might hold a lock at that moment. The child
 * inherits the lock, which is never released there. Therefore a process starts a launcher before it
 * starts threads. The launcher is a process without threads, which forks the children.
 */
#ifndef WAYMARK_KERNEL_TRANSACTION_H
#define WAYMARK_KERNEL_TRANSACTION_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Time after which a child is killed, in seconds. */
#define TRANSACTION_SECONDS 10

/* A function that runs in the child. `data` is a copy of the bytes that the caller passed. If the
 * launcher forked the child, all other memory is as it was when the launcher was started. The reply
 * consists of the function's result (0 or -errno), and of the texts that the function writes to the
 * streams `output` and `errors`. */
typedef int transaction_fn(const void *data, FILE *output, FILE *errors);

struct transaction_reply {
	char *output, *errors; /* malloc'd; free with transaction_clear() */
	size_t output_size;    /* without the terminating '\0' */
};

/* Run fn in a child. Return the result of fn, or -errno. -EOWNERDEAD: the child died, and
 * reply->errors says why. */
int transaction_run(transaction_fn *fn, const void *data, size_t size,
		    struct transaction_reply *reply);
void transaction_clear(struct transaction_reply *reply);

/* Return whether pid is the pid of one of the latest TRANSACTION_CHILDREN children. If a child
 * changes the ruleset, the notice about the change has the child's pid. */
#define TRANSACTION_CHILDREN 64
bool transaction_is_child(pid_t pid);

/* Start the launcher. The launcher closes all descriptors except keep_fd (-1: none) and the
 * standard streams. It ends when this process ends. Return 0 or -errno. */
int transaction_launcher_start(int keep_fd);
/* Return whether the launcher is running. Without a launcher transaction_run() forks by itself. */
bool transaction_launcher_is_running(void);
void transaction_launcher_stop(void);

#endif
