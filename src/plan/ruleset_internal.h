/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_internal.h - what the files of the ruleset share. ruleset.c makes the table.
 * ruleset_text.c makes names and maps. ruleset_marks.c makes the rules that set and restore marks.
 * ruleset_evidence.c makes the rules that observe where packets leave.
 */
#ifndef WAYMARK_SRC_PLAN_RULESET_INTERNAL_H
#define WAYMARK_SRC_PLAN_RULESET_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "waymark/plan/ruleset.h"

/* Up to FEW uplinks are compared one by one; more are looked up in a map. */
#define FEW 4

struct render {
	FILE *out;
	const struct config *config;
	bool is_minimal; /* rules limit a new flow's events to RULESET_EVENT_MASK */
};

/* ruleset_text.c */
bool render_is_few(const struct render *r);
void render_ifname(FILE *out, const char *ifname);
/* Print a verdict map of interface names. The name of an uplink's interface leads to the chain
 * "CHAIN_MARK", such as "leave_0x2", where CHAIN is the parameter `chain`. */
void render_name_map(struct render *r, const char *chain);
/* Print a rule with a verdict map of the flow's mark. The mark of an uplink leads to the chain
 * "CHAIN_MARK", such as "restore_0x2". The mark 0 leads to the chain whose name is the parameter
 * `unmarked`. */
void render_mark_map(struct render *r, const char *unmarked, const char *chain);
/* Return the label bit with this number among Waymark's bits: LABEL_..., or LABELS_RESERVED plus the
 * slot of an uplink. */
unsigned render_label(const struct render *r, unsigned reserved);

/* ruleset_marks.c */
void render_mark_chains(struct render *r);
void render_prerouting(struct render *r);
void render_output(struct render *r);
void render_audit_chains(struct render *r);
void render_audit_hooks(struct render *r);

/* ruleset_evidence.c */
void render_evidence_chains(struct render *r);
void render_postrouting(struct render *r);

#endif
