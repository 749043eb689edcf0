/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.h - the socket at which scrapes arrive. waymarkd, not the worker, opens the socket: an
 * address that is already in use is then reported as an error of the configuration.
 */
#ifndef WAYMARK_SRC_TALKER_LISTEN_H
#define WAYMARK_SRC_TALKER_LISTEN_H

#include <stdint.h>

#include "waymark/base/addr.h"

/* Return a listening, non-blocking socket, or -errno. If no interface has the address yet, the
 * socket works as soon as one gets it. */
int listen_open(const struct addr *addr, uint16_t port);

#endif
