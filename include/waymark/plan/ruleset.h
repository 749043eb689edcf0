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

/* A rule with a counter has an nftables comment of two words, such as "out 0x2". The first word
 * says what is counted and is one of those below. The second word is the mark of the uplink by
 * which the packets leave or arrive. Each packet that leaves by an uplink is counted by exactly one
 * rule of the first three kinds. The other kinds count the first packets ("started") and the first
 * replies ("answered") of flows from inside, per family. */
#define RULESET_COUNT_OUT "out" /* packets of flows */
/* packets without a flow: notrack, or refused by conntrack */
#define RULESET_COUNT_UNTRACKED	 "untracked"
#define RULESET_COUNT_NEIGHBOURS "neighbours" /* neighbour discovery, multicast listeners */
#define RULESET_COUNT_STARTED4	 "started4"
#define RULESET_COUNT_STARTED6	 "started6"
#define RULESET_COUNT_ANSWERED4	 "answered4"
#define RULESET_COUNT_ANSWERED6	 "answered6"

/* The conntrack events to receive: NEW, RELATED, DESTROY, MARK, LABEL of enum ip_conntrack_events
 * (linux/netfilter/nf_conntrack_common.h), that is 0x487 (1159). Not written as a plain number, but
 * as an expression with this value: nftables 1.0.6 lists a plain number as words that it cannot
 * read again, so that a saved ruleset could not be loaded. */
#define RULESET_EVENT_MASK "numgen inc mod 1 offset 1159"

/* Return the table as malloc'd text, or NULL with errno. The text is one transaction that replaces
 * an existing table ("add table; delete table; table {...}"). If is_minimal_events is set, its
 * rules set the ct event mask (RULESET_EVENT_MASK). */
char *ruleset_render(const struct config *c, bool is_minimal_events);

#endif
