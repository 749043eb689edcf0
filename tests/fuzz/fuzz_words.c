/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_words.c - parses words that people type: times, durations, sizes, addresses.
 */
#include "tests/fuzz/fuzz.h"
#include "waymark/base/addr.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

#define NOON 1772366400000LL /* 2026-03-01 12:00 UTC */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), iso[TIMES_STRLEN];
	struct addr addr;
	uint64_t number;
	int64_t ms;

	if (times_parse_since(text, NOON, &ms) == 0)
		times_format_iso(ms, iso);
	duration_parse(&number, text);
	size_parse(&number, text);
	addr_parse(&addr, text);
	free(text);
	return 0;
}
