/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_decode.h - one ctnetlink message as a struct ct_event.
 */
#ifndef WAYMARK_SRC_KERNEL_CONNTRACK_DECODE_H
#define WAYMARK_SRC_KERNEL_CONNTRACK_DECODE_H

#include <linux/netlink.h>
#include <stdbool.h>

#include "waymark/base/event.h"

/* Whether it is a conntrack entry's message; fills *type. */
bool conntrack_is_event(const struct nlmsghdr *nlh, enum ct_event_type *type);

/* Fills all of *ev but its type. 0, or -EBADMSG when a tuple or the id is
 * missing or the message is malformed. */
int conntrack_decode(const struct nlmsghdr *nlh, struct ct_event *ev);

#endif
