/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * datagram.h - one message to a daemon of this machine, without waiting for it.
 */
#ifndef WAYMARK_SRC_ALERT_DATAGRAM_H
#define WAYMARK_SRC_ALERT_DATAGRAM_H

#include <stddef.h>

/* To the Unix datagram socket of that path. 0 or -errno; -EAGAIN: the receiver does not read. */
int datagram_send(const char *socket_path, const void *message, size_t bytes);

#endif
