/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verdict.h - the ladder of rules that decides a flow's verdict from facts.
 */
#ifndef WAYMARK_SRC_AUDIT_VERDICT_H
#define WAYMARK_SRC_AUDIT_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/record.h"

struct verdict_facts {
	uint32_t mark;		  /* masked */
	uint8_t uplink;		  /* slot that the mark names, or SLOT_NONE */
	bool is_entered;	  /* the flow entered by an uplink */
	uint64_t egress[2];	  /* uplinks that its packets left by, per enum direction */
	uint64_t other_egress[2]; /* interfaces that its packets left by and that are no uplinks,
				   * per enum direction */
	uint8_t source;		  /* slot of the uplink that owns the address with which packets
				   * leave; SLOT_NONE: no uplink owns it */
	bool had_mismatch;	  /* a mismatch was recorded: the verdict stays VERDICT_MISMATCH */
	bool has_gap;		  /* events may have been lost, so missing evidence means nothing */
	bool is_unseen;		  /* may have sent packets while no rules were installed */
	bool is_offloaded;	  /* its packets skip the netfilter hooks */
	bool is_predating;	  /* began before evidence was collected */
};

/* Decide by the first rule that applies. *reason is set for VERDICT_UNKNOWN and is REASON_NONE for
 * every other verdict: audit_mismatch.c finds the reason of a mismatch. */
enum verdict verdict_decide(const struct verdict_facts *f, enum reason *reason);

#endif
