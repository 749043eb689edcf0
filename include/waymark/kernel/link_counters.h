/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_counters.h - what an interface has sent and received, as the kernel counts it whatever rules
 * there are (rtnetlink, stats64).
 */
#ifndef WAYMARK_KERNEL_LINK_COUNTERS_H
#define WAYMARK_KERNEL_LINK_COUNTERS_H

#include <stdint.h>

#include "waymark/base/record.h"

struct link_counters;

struct link_counters *link_counters_open(void);	   /* NULL with errno */
void link_counters_close(struct link_counters *l); /* NULL is allowed */

/* Read an interface's counters: frames (ARP included) and bytes with the link header. received
 * may be NULL. 0; -ENODEV: no such interface; -errno. */
int link_counters_read(struct link_counters *l, const char *ifname, uint32_t *ifindex,
		       struct tally *sent, struct tally *received);

#endif
