/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_counters.h - reads the counters of table inet waymark with libmnl. An uplink's counting rules
 * are found by their comments (ruleset.h).
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
	uint64_t table; /* the kernel's handle of our table. Another handle than in the last reading
			 * shows a new table, with new counters; 0: the table is missing */
	size_t n;
	struct nft_counters_uplink uplinks[UPLINKS_MAX];
};

/* Read the counters and sum them per uplink. Return 0 or -errno. If our table is missing, set
 * out->table to 0 and return 0. */
int nft_counters_read(struct nft_counters *n, struct nft_counters_reading *out);

/* Return the counters of the uplink with this mark, or NULL. */
const struct nft_counters_uplink *nft_counters_find(const struct nft_counters_reading *r,
						    uint32_t mark);

#endif
