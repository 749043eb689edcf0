/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_decode.h - decodes one ctnetlink message as a struct ct_event.
 */
#ifndef WAYMARK_SRC_KERNEL_CONNTRACK_DECODE_H
#define WAYMARK_SRC_KERNEL_CONNTRACK_DECODE_H

#include <linux/netlink.h>
#include <stdbool.h>

#include "waymark/base/event.h"

/* Return whether the message is about a conntrack entry, and set *type. */
bool conntrack_is_event(const struct nlmsghdr *nlh, enum ct_event_type *type);

/* Decode a message into all fields of *ev except `type`. Return 0, or -EBADMSG if the message is
 * malformed, or lacks a tuple, the protocol or the id. */
int conntrack_decode(const struct nlmsghdr *nlh, struct ct_event *ev);

#endif
