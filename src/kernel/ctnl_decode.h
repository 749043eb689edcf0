/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnl_decode.h - one ctnetlink message as a struct ct_event.
 */
#ifndef WAYMARK_KERNEL_CTNL_DECODE_H
#define WAYMARK_KERNEL_CTNL_DECODE_H

#include <linux/netlink.h>
#include <stdbool.h>

#include "waymark/event.h"

/* Whether it is a conntrack entry's message; fills *type. */
bool ctnl_is_event(const struct nlmsghdr *nlh, enum ct_event_type *type);

/* Fills all of *ev but its type. 0, or -EBADMSG when a tuple or the id is
 * missing or the message is malformed. */
int ctnl_decode(const struct nlmsghdr *nlh, struct ct_event *ev);

#endif
