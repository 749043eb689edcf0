/* SPDX-License-Identifier: GPL-2.0-or-later */
/* datagram.h - sends one message to a daemon of this machine without blocking. */
#ifndef WAYMARK_SRC_ALERT_DATAGRAM_H
#define WAYMARK_SRC_ALERT_DATAGRAM_H

#include <stddef.h>

/* Send a message to the Unix datagram socket at socket_path. Return 0 or -errno; -EAGAIN: the
 * receiver's queue is full. */
int datagram_send(const char *socket_path, const void *message, size_t bytes);

#endif
