/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.h - makes the nftables text of table inet waymark from the configuration. Pure:
 * kernel/nft.c loads the text.
 */
#ifndef WAYMARK_PLAN_RULESET_H
#define WAYMARK_PLAN_RULESET_H

#include "waymark/config/config.h"

#define RULESET_FAMILY "inet"
#define RULESET_TABLE  "waymark"

/* Log prefixes of the rules' NFLOG messages, one for each value of enum stray_kind (event.h) except
 * STRAY_OTHER. */
#define PREFIX_MISMATCH	 "waymark mismatch "
#define PREFIX_ELSEWHERE "waymark elsewhere "
#define PREFIX_UNMARKED	 "waymark unmarked "
#define PREFIX_TRANSIT	 "waymark transit "
#define PREFIX_FLOWLESS	 "waymark flowless "

/* The comment of a rule with a counter begins with one of these words. The word says what the
 * counter counts. The second word is the mark of the uplink that the packets leave or arrive by
 * ("out 0x2"). Each packet that leaves by an uplink is counted by exactly one rule of the first
 * three kinds. The other kinds count the first packets and first replies of flows from inside, per
 * family. */
#define RULESET_COUNT_OUT "out" /* packets of flows */
/* packets without a flow: notrack, or refused by conntrack */
#define RULESET_COUNT_UNTRACKED	 "untracked"
#define RULESET_COUNT_NEIGHBOURS "neighbours" /* neighbour discovery, multicast listeners */
#define RULESET_COUNT_STARTED4	 "started4"
#define RULESET_COUNT_STARTED6	 "started6"
#define RULESET_COUNT_ANSWERED4	 "answered4"
#define RULESET_COUNT_ANSWERED6	 "answered6"

/* The conntrack events to receive: NEW, RELATED, DESTROY, MARK, LABEL of enum ip_conntrack_events
 * (linux/netfilter/nf_conntrack_common.h), that is 0x487 (1159). The mask is written as an
 * expression with this value. nftables 1.0.6 would list a plain number as words that it cannot
 * read, so a saved ruleset could not be loaded. */
#define RULESET_EVENT_MASK "numgen inc mod 1 offset 1159"

/* Return the table as malloc'd text, or NULL with errno. The text is one transaction that replaces
 * an existing table ("add table; delete table; table {...}"). is_minimal_events: the rules set the
 * ct event mask. */
char *ruleset_render(const struct config *c, bool is_minimal_events);

#endif
