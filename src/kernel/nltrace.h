/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nltrace.h - hooks of the adapters: netlink messages that are traced, if any are.
 */
#ifndef WAYMARK_SRC_KERNEL_NLTRACE_H
#define WAYMARK_SRC_KERNEL_NLTRACE_H

#include <stddef.h>

enum nltrace_way { NLTRACE_SENT, NLTRACE_RECEIVED };

/* Trace the messages of one datagram of this netlink socket. */
void nltrace_datagram(int fd, enum nltrace_way way, const void *data, size_t size);
/* Trace commands to libnftables, which does not show its messages. */
void nltrace_commands(const char *text);

#endif
