/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace_internal.h - the adapters pass their netlink messages to these functions, which print them
 * if tracing is on.
 */
#ifndef WAYMARK_SRC_KERNEL_TRACE_INTERNAL_H
#define WAYMARK_SRC_KERNEL_TRACE_INTERNAL_H

#include <stddef.h>

enum trace_way { TRACE_SENT, TRACE_RECEIVED };

/* Trace the messages of one datagram of this netlink socket. */
void trace_datagram(int fd, enum trace_way way, const void *data, size_t size);
/* Trace the commands that are passed to libnftables. The library does not reveal its netlink
 * messages. */
void trace_commands(const char *text);

#endif
