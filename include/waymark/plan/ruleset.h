/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.h - the nftables text of table inet waymark. Pure: configuration in,
 * text out; who loads it is kernel/nft.c.
 */
#ifndef WAYMARK_PLAN_RULESET_H
#define WAYMARK_PLAN_RULESET_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

#define RULESET_FAMILY "inet"
#define RULESET_TABLE  "waymark"

/* The log prefixes that the rules give to their messages; event.h's stray_kind. */
#define PREFIX_MISMATCH "waymark mismatch "
#define PREFIX_UNMARKED "waymark unmarked "
#define PREFIX_TRANSIT	"waymark transit "

/* What a rule's counter counts, by the first word of the rule's comment; the second is
 * the mark of the uplink that its packets leave by ("out 0x2"). A packet that leaves by
 * an uplink is counted by one rule of one of them. */
#define RULESET_COUNT_OUT	 "out"	      /* of flows */
#define RULESET_COUNT_UNTRACKED	 "untracked"  /* of no flow: notrack, or conntrack refused it */
#define RULESET_COUNT_NEIGHBOURS "neighbours" /* neighbour discovery, multicast listeners */

/* The events of the mask: NEW, RELATED, DESTROY, MARK, LABEL of enum
 * ip_conntrack_events (linux/netfilter/nf_conntrack_common.h). A number, because
 * nftables 1.0.6 lists a word for the mark's bit that it does not read. */
#define RULESET_EVENT_MASK  "0x487"
#define RULESET_EVENT_WORDS "new,related,destroy,mark,label"

/* Reserved label bits, counted from label-base. */
#define LABEL_ENTERED 0 /* the flow entered by an uplink */
#define LABEL_TRANSIT 1 /* ... and its original packets leave by an uplink */

/* The whole table as one transaction that replaces what is there ("add table;
 * delete table; table {...}"). links: a snapshot, for the interfaces' indexes, or
 * NULL: by name alone. is_minimal_events: set the ct event mask. Returns malloc'd
 * text, or NULL with errno. */
char *ruleset_render(const struct config *c, const struct netstate *links, bool is_minimal_events);

#endif
