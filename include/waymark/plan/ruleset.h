/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.h - the nftables text of table inet waymark. Pure: configuration in,
 * text out; who loads it is kernel/nft.c.
 */
#ifndef WAYMARK_PLAN_RULESET_H
#define WAYMARK_PLAN_RULESET_H

#include "waymark/config/config.h"

#define RULESET_FAMILY "inet"
#define RULESET_TABLE  "waymark"

/* The log prefixes that the rules give to their messages; event.h's stray_kind. */
#define PREFIX_MISMATCH	 "waymark mismatch "
#define PREFIX_ELSEWHERE "waymark elsewhere "
#define PREFIX_UNMARKED	 "waymark unmarked "
#define PREFIX_TRANSIT	 "waymark transit "
#define PREFIX_FLOWLESS	 "waymark flowless "

/* What a rule's counter counts, by the first word of the rule's comment; the second is
 * the mark of the uplink that its packets leave or arrive by ("out 0x2"). A packet that
 * leaves by an uplink is counted by one rule of the first three. The others count the
 * first packets and first replies of flows from inside, per family. */
#define RULESET_COUNT_OUT	 "out"	      /* of flows */
#define RULESET_COUNT_UNTRACKED	 "untracked"  /* of no flow: notrack, or conntrack refused it */
#define RULESET_COUNT_NEIGHBOURS "neighbours" /* neighbour discovery, multicast listeners */
#define RULESET_COUNT_STARTED4	 "started4"
#define RULESET_COUNT_STARTED6	 "started6"
#define RULESET_COUNT_ANSWERED4	 "answered4"
#define RULESET_COUNT_ANSWERED6	 "answered6"

/* The events of the mask: NEW, RELATED, DESTROY, MARK, LABEL of enum
 * ip_conntrack_events (linux/netfilter/nf_conntrack_common.h), 0x487. As an expression
 * that yields that number, because nftables 1.0.6 lists a number there in words that it
 * cannot read, and a saved ruleset would be refused as a whole. */
#define RULESET_EVENT_MASK "numgen inc mod 1 offset 1159"

/* The whole table as one transaction that replaces what is there ("add table; delete
 * table; table {...}"). is_minimal_events: set the ct event mask. Returns malloc'd text,
 * or NULL with errno. */
char *ruleset_render(const struct config *c, bool is_minimal_events);

#endif
