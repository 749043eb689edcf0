/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launcher.h - starts the children of transactions through the launcher, a process without threads
 * that forks them.
 */
#ifndef WAYMARK_SRC_KERNEL_LAUNCHER_H
#define WAYMARK_SRC_KERNEL_LAUNCHER_H

#include <sys/types.h>

#include "waymark/kernel/transaction.h"

/* Run fn in this process, which is a child; write the reply to fd, and exit. */
void __attribute__((noreturn)) transaction_child(int fd, transaction_fn *fn, const void *data);

/* Let the launcher fork a child that runs fn and writes the reply to fd. Return the child's pid.
 * Return 0 if the launcher received the request but ended before it sent the pid: the child may be
 * running. Return -ENOTCONN if there is no launcher, or if it ended before it received the
 * request. */
pid_t launcher_fork(int fd, transaction_fn *fn, const void *data, size_t size);
/* Wait for the child of the last launcher_fork(). Return its status as waitpid(2) does, or 0 if the
 * launcher has ended. */
int launcher_wait(void);

#endif
