/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verdict.c - the ladder of verdicts: one function per rung, in the order of the rungs. The numbers
 * in the comments are those of enum verdict, of the documentation and of the tests.
 *
 * Must not know where a fact comes from.
 */
#include "audit/verdict.h"

/* Return the uplinks that decide the verdict. If the flow entered by an uplink, the mark names the
 * uplink of its replies: return the uplinks that replies left by. Otherwise return the uplinks that
 * packets of either direction left by. */
static uint64_t verdict_standing(const struct verdict_facts *f)
{
	return f->is_entered ? f->egress[DIR_REPLY]
			     : f->egress[DIR_ORIGINAL] | f->egress[DIR_REPLY];
}

static bool has_left(const struct verdict_facts *f)
{
	return verdict_standing(f) != 0;
}

/* Return the interfaces that packets left by and that are no uplinks. Consider only packets of the
 * direction whose uplink the mark names: replies if the flow entered by an uplink, otherwise
 * original packets. */
static uint64_t standing_elsewhere(const struct verdict_facts *f)
{
	return f->other_egress[f->is_entered ? DIR_REPLY : DIR_ORIGINAL];
}

/* 1: packets left by an interface that the mark does not name. */
static bool is_mismatch(const struct verdict_facts *f)
{
	if (f->had_mismatch)
		return true;
	if (f->uplink == SLOT_NONE)
		return false;
	return (verdict_standing(f) & ~(UINT64_C(1) << f->uplink)) || standing_elsewhere(f);
}

/* 2: packets left by the right uplink, but with the address of another uplink. */
static bool is_wrong_source(const struct verdict_facts *f)
{
	return has_left(f) && f->uplink != SLOT_NONE && f->source != SLOT_NONE &&
	       f->source != f->uplink;
}

/* 3: packets left with a mark that names no uplink. */
static bool is_foreign(const struct verdict_facts *f)
{
	return has_left(f) && f->uplink == SLOT_NONE && f->mark != 0;
}

/* 4: packets left without a mark. */
static bool is_unmarked(const struct verdict_facts *f)
{
	return has_left(f) && f->mark == 0;
}

/* 5: some packets may have left without evidence. is_offloaded, is_predating and is_unseen count
 * even if other packets of the flow have evidence. A gap in events (has_gap) counts only if no
 * packet has evidence. */
static enum reason why_unknown(const struct verdict_facts *f)
{
	if (f->is_offloaded)
		return REASON_OFFLOADED;
	if (f->is_predating)
		return REASON_PREDATES;
	if (f->is_unseen)
		return REASON_GAP;
	return f->has_gap && !has_left(f) ? REASON_GAP : REASON_NONE;
}

/* 6: no packet that decides the verdict left by an uplink (verdict_standing()). If this does not
 * apply either, such packets left by the right uplink: rung 7 (ok) needs no test. */
static bool is_local(const struct verdict_facts *f)
{
	return !has_left(f);
}

enum verdict verdict_decide(const struct verdict_facts *f, enum reason *reason)
{
	*reason = REASON_NONE;
	if (is_mismatch(f))
		return VERDICT_MISMATCH;
	if (is_wrong_source(f))
		return VERDICT_WRONG_SOURCE;
	if (is_foreign(f))
		return VERDICT_FOREIGN;
	if (is_unmarked(f))
		return VERDICT_UNMARKED;
	*reason = why_unknown(f);
	if (*reason != REASON_NONE)
		return VERDICT_UNKNOWN;
	if (is_local(f))
		return VERDICT_LOCAL;
	return VERDICT_OK;
}
