/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_counters.h - what the counting rules of table inet waymark have counted, over
 * libmnl: an uplink's rules are found by their comments (ruleset.h).
 */
#ifndef WAYMARK_KERNEL_NFT_COUNTERS_H
#define WAYMARK_KERNEL_NFT_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "waymark/base/record.h"

struct nft_counters;

struct nft_counters *nft_counters_open(void);	 /* NULL with errno */
void nft_counters_close(struct nft_counters *n); /* NULL is allowed */

struct nft_counters_uplink {
	uint32_t mark;
	struct tally rules[RULE_COUNTS];
	struct flow_counts flows[COUNTED_FAMILIES];
};
struct nft_counters_reading {
	uint64_t table; /* the kernel's number of it, another after each load; 0: there is none */
	size_t n;
	struct nft_counters_uplink uplinks[UPLINKS_MAX];
};

/* Adds up an uplink's rules. Without the table: 0, and table is 0. 0 or -errno. */
int nft_counters_read(struct nft_counters *n, struct nft_counters_reading *out);

/* What was counted for a mark, or NULL. */
const struct nft_counters_uplink *nft_counters_find(const struct nft_counters_reading *r,
						    uint32_t mark);

#endif
