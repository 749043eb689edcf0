/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftcounters.h - what the counting rules of table inet waymark have counted, over
 * libmnl: an uplink's rules are found by their comments (ruleset.h).
 */
#ifndef WAYMARK_NFTCOUNTERS_H
#define WAYMARK_NFTCOUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "waymark/record.h"

struct nftcounters;

struct nftcounters *nftcounters_open(void); /* NULL with errno */
void nftcounters_close(struct nftcounters *n); /* NULL is allowed */

struct nftcounters_uplink {
	uint32_t mark;
	struct tally rules[RULE_COUNTS];
};
struct nftcounters_reading {
	uint64_t table; /* the kernel's number of it, another after each load; 0: there is none */
	size_t n;
	struct nftcounters_uplink uplinks[UPLINKS_MAX];
};

/* Adds up an uplink's rules. Without the table: 0, and table is 0. 0 or -errno. */
int nftcounters_read(struct nftcounters *n, struct nftcounters_reading *out);

/* What was counted for a mark, or NULL. */
const struct nftcounters_uplink *nftcounters_find(const struct nftcounters_reading *r,
						  uint32_t mark);

#endif
