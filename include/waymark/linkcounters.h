/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linkcounters.h - what an interface has sent, as the kernel counts it whatever rules
 * there are (rtnetlink, stats64).
 */
#ifndef WAYMARK_LINKCOUNTERS_H
#define WAYMARK_LINKCOUNTERS_H

#include <stdint.h>

#include "waymark/record.h"

struct linkcounters;

struct linkcounters *linkcounters_open(void); /* NULL with errno */
void linkcounters_close(struct linkcounters *l); /* NULL is allowed */

/* Frames sent, ARP among them, and bytes with the header of the link. 0; -ENODEV: there
 * is no such interface; -errno. */
int linkcounters_read(struct linkcounters *l, const char *ifname, uint32_t *ifindex,
		      struct tally *sent);

#endif
