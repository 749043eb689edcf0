/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launcher.h - the process without threads that forks the children of transactions.
 */
#ifndef WAYMARK_SRC_KERNEL_LAUNCHER_H
#define WAYMARK_SRC_KERNEL_LAUNCHER_H

#include <sys/types.h>

#include "waymark/kernel/transaction.h"

/* Run fn in a child: write the reply to fd and exit. */
void __attribute__((noreturn)) transaction_child(int fd, transaction_fn *fn, const void *data);

/* Have the launcher fork a child that writes to fd. Return its pid; 0: the launcher has the
 * request and ended before it named the child, which may run; -ENOTCONN: no launcher, or it
 * ended before it had the request. */
pid_t launcher_fork(int fd, transaction_fn *fn, const void *data, size_t size);
/* Wait for that child, and return how it ended, as waitpid(2) says; 0 if the launcher has
 * ended. */
int launcher_wait(void);

#endif
