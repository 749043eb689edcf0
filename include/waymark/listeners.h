/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listeners.h - who else listens to conntrack events in this network namespace.
 */
#ifndef WAYMARK_LISTENERS_H
#define WAYMARK_LISTENERS_H

#include <stdint.h>

/* Sockets subscribed to conntrack events but for the one with this netlink port;
 * reads one proc file. Or -errno. */
int listeners_count(uint32_t own_port);

#endif
