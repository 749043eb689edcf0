/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespace_lock.h - ensures that only one waymarkd runs per network namespace, even if a second
 * waymarkd has another configuration, history and control socket.
 */
#ifndef WAYMARK_SRC_DAEMON_NAMESPACE_LOCK_H
#define WAYMARK_SRC_DAEMON_NAMESPACE_LOCK_H

struct daemon;

int namespace_lock_open(struct daemon *d); /* 0 or -errno, logged */
void namespace_lock_close(struct daemon *d);

#endif
