/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_verdict.c - proves the ladder of verdicts: a table of facts for each rung, with the rungs'
 * numbers, and every combination of facts against a second definition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "audit/verdict.h"

#define WAN1  2
#define WAN2  3
#define LEFT1 (UINT64_C(1) << WAN1)
#define LEFT2 (UINT64_C(1) << WAN2)
#define NONE  SLOT_NONE

static const struct {
	int line;
	struct verdict_facts facts;
	enum verdict verdict;
	enum reason reason;
} rungs[] = {
#define FLOW(...)                                                                                  \
	__LINE__,                                                                                  \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
	/* 1 mismatch: from the LAN, by the other uplink */
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT2, 0}, .source = NONE), VERDICT_MISMATCH,
	 0},
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1 | LEFT2, 0}, .source = NONE),
	 VERDICT_MISMATCH, 0},
	/* ... its replies left by an uplink, the wrong one */
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, LEFT2}, .source = NONE),
	 VERDICT_MISMATCH, 0},
	/* ... inbound: the replies count */
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .egress = {0, LEFT2}, .source = NONE),
	 VERDICT_MISMATCH, 0},
	/* ... before the wrong source, before any gap */
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT2, 0}, .source = WAN2, .has_gap = true),
	 VERDICT_MISMATCH, 0},
	/* ... a mismatch stays one although the mark has changed since */
	{FLOW(.mark = 3, .uplink = WAN2, .egress = {LEFT2, 0}, .source = NONE,
	      .had_mismatch = true),
	 VERDICT_MISMATCH, 0},
	/* ... an interface of no uplink, in the direction that counts */
	{FLOW(.mark = 2, .uplink = WAN1, .other_egress = {2, 0}, .source = NONE), VERDICT_MISMATCH,
	 0},
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .egress = {0, LEFT1},
	      .other_egress = {0, 2}, .source = NONE),
	 VERDICT_MISMATCH, 0},
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .egress = {0, LEFT1},
	      .other_egress = {2, 0}, .source = NONE),
	 VERDICT_OK, 0},
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, 0}, .other_egress = {0, 2},
	      .source = NONE),
	 VERDICT_OK, 0},
	/* 2 wrong-source */
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, 0}, .source = WAN2),
	 VERDICT_WRONG_SOURCE, 0},
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .egress = {0, LEFT1}, .source = WAN2),
	 VERDICT_WRONG_SOURCE, 0},
	/* 3 foreign */
	{FLOW(.mark = 9, .uplink = NONE, .egress = {LEFT1, 0}, .source = NONE), VERDICT_FOREIGN, 0},
	{FLOW(.mark = 9, .uplink = NONE, .egress = {LEFT1, 0}, .source = WAN2, .has_gap = true),
	 VERDICT_FOREIGN, 0},
	/* 4 unmarked */
	{FLOW(.mark = 0, .uplink = NONE, .egress = {LEFT1, 0}, .source = NONE), VERDICT_UNMARKED,
	 0},
	{FLOW(.mark = 0, .uplink = NONE, .is_entered = true, .egress = {0, LEFT1}, .source = NONE,
	      .is_predating = true),
	 VERDICT_UNMARKED, 0},
	/* 5 unknown: no evidence, and a cause */
	{FLOW(.mark = 2, .uplink = WAN1, .source = NONE, .has_gap = true), VERDICT_UNKNOWN,
	 REASON_GAP},
	{FLOW(.mark = 2, .uplink = WAN1, .source = NONE, .is_offloaded = true, .has_gap = true),
	 VERDICT_UNKNOWN, REASON_OFFLOADED},
	{FLOW(.mark = 0, .uplink = NONE, .source = NONE, .is_predating = true), VERDICT_UNKNOWN,
	 REASON_PREDATES},
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .egress = {LEFT2, 0}, .source = NONE,
	      .has_gap = true),
	 VERDICT_UNKNOWN, REASON_GAP},
	/* ... whatever was observed before or after */
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, 0}, .source = WAN1, .is_unseen = true),
	 VERDICT_UNKNOWN, REASON_GAP},
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, 0}, .source = WAN1,
	      .is_predating = true),
	 VERDICT_UNKNOWN, REASON_PREDATES},
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, 0}, .source = WAN1,
	      .is_offloaded = true),
	 VERDICT_UNKNOWN, REASON_OFFLOADED},
	/* 6 local: it left by no uplink; an uplink's address changes nothing */
	{FLOW(.mark = 0, .uplink = NONE, .source = NONE), VERDICT_LOCAL, 0},
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .source = WAN1), VERDICT_LOCAL, 0},
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .source = WAN2), VERDICT_LOCAL, 0},
	/* 7 ok */
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, 0}, .source = WAN1), VERDICT_OK, 0},
	{FLOW(.mark = 3, .uplink = WAN2, .egress = {LEFT2, LEFT2}, .source = NONE), VERDICT_OK, 0},
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .egress = {0, LEFT1}, .source = WAN1),
	 VERDICT_OK, 0},
	/* ... transit: the mark does not name the egress of its own packets */
	{FLOW(.mark = 2, .uplink = WAN1, .is_entered = true, .egress = {LEFT2, LEFT1},
	      .source = NONE),
	 VERDICT_OK, 0},
	/* ... evidence holds where only events were lost */
	{FLOW(.mark = 2, .uplink = WAN1, .egress = {LEFT1, 0}, .source = WAN1, .has_gap = true),
	 VERDICT_OK, 0},
};

static void each_rung_fits_its_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
		enum reason reason = REASON_UNEXPLAINED;
		enum verdict v = verdict_decide(&rungs[i].facts, &reason);

		if (v != rungs[i].verdict || reason != rungs[i].reason)
			fail_msg("line %d: %s, reason %d", rungs[i].line, verdict_name(v), reason);
	}
}

/* The contract, written a second time in another form. */
static enum verdict said_again(const struct verdict_facts *f)
{
	uint64_t counts = f->is_entered ? f->egress[1] : (f->egress[0] | f->egress[1]);
	bool left = counts != 0, named = f->uplink != NONE;
	bool only_named = named && counts == UINT64_C(1) << f->uplink;

	if (f->had_mismatch || (left && named && !only_named) ||
	    (named && f->other_egress[f->is_entered]))
		return VERDICT_MISMATCH;
	if (only_named && f->source != NONE && f->source != f->uplink)
		return VERDICT_WRONG_SOURCE;
	if (left && !named)
		return f->mark ? VERDICT_FOREIGN : VERDICT_UNMARKED;
	if (f->is_unseen || f->is_offloaded || f->is_predating || (f->has_gap && !left))
		return VERDICT_UNKNOWN;
	return left ? VERDICT_OK : VERDICT_LOCAL;
}

static void every_combination_has_the_contracts_verdict(void **state)
{
	static const uint8_t slots[] = {WAN1, WAN2, NONE};
	static const uint64_t sets[] = {0, LEFT1, LEFT2, LEFT1 | LEFT2};
	unsigned n = 0;

	(void)state;
	for (unsigned bits = 0; bits < 256; bits++)
		for (unsigned u = 0; u < 4; u++)
			for (unsigned s = 0; s < 3; s++)
				for (unsigned e = 0; e < 16; e++) {
					struct verdict_facts f = {
						.mark = u < 2	 ? u + 2
							: u == 2 ? 9
								 : 0,
						.uplink = u < 2 ? slots[u] : NONE,
						.source = slots[s],
						.egress = {sets[e & 3], sets[e >> 2]},
						.is_entered = bits & 1,
						.had_mismatch = bits & 2,
						.has_gap = bits & 4,
						.is_offloaded = bits & 8,
						.is_predating = bits & 16,
						.is_unseen = bits & 128,
						.other_egress = {bits & 32 ? 4 : 0, bits & 64},
					};
					enum reason reason;

					assert_int_equal(verdict_decide(&f, &reason),
							 said_again(&f));
					n++;
				}
	assert_int_equal(n, 256 * 4 * 3 * 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rung_fits_its_facts),
		cmocka_unit_test(every_combination_has_the_contracts_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
