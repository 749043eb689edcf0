/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_counters.h - reads an interface's counters of sent and received packets (rtnetlink,
 * stats64). The kernel counts packets independently of any rules.
 */
#ifndef WAYMARK_KERNEL_LINK_COUNTERS_H
#define WAYMARK_KERNEL_LINK_COUNTERS_H

#include <stdint.h>

#include "waymark/base/record.h"

struct link_counters;

struct link_counters *link_counters_open(void);	   /* NULL with errno */
void link_counters_close(struct link_counters *l); /* NULL is allowed */

/* Read an interface's counters of frames (ARP included) and of bytes (link headers included).
 * `received` may be NULL. Return 0, -ENODEV if the interface does not exist, or another -errno. */
int link_counters_read(struct link_counters *l, const char *ifname, uint32_t *ifindex,
		       struct tally *sent, struct tally *received);

#endif
