/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transaction.h - runs a function in a child process that lives for that call: a library
 * that calls exit() or abort() when memory is short ends the child, and the caller goes on.
 */
#ifndef WAYMARK_KERNEL_TRANSACTION_H
#define WAYMARK_KERNEL_TRANSACTION_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* How long a child may run before it is killed. */
#define TRANSACTION_SECONDS 10

/* Runs in the child, with everything that the process has open. What it writes to output
 * and errors, and its result (0 or -errno), are the reply. */
typedef int transaction_fn(void *data, FILE *output, FILE *errors);

struct transaction_reply {
	char *output, *errors; /* malloc'd; free with transaction_clear */
};

/* Return fn's result, or -errno: -EOWNERDEAD: the child died, and errors says how. */
int transaction_run(transaction_fn *fn, void *data, struct transaction_reply *reply);
void transaction_clear(struct transaction_reply *reply);

/* Whether this was one of the newest children: a notice names them, not us. */
#define TRANSACTION_CHILDREN 64
bool transaction_is_child(pid_t pid);

#endif
