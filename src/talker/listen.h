/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.h - the socket at which scrapes arrive. waymarkd opens it, so that a place that
 * is taken is reported where the configuration is read.
 */
#ifndef WAYMARK_SRC_TALKER_LISTEN_H
#define WAYMARK_SRC_TALKER_LISTEN_H

#include <stdint.h>

#include "waymark/base/addr.h"

/* Return a listening, non-blocking socket, or -errno. The address may be missing yet. */
int listen_open(const struct addr *addr, uint16_t port);

#endif
