/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_diff.h - says for people how a table's listing differs from the one that
 * was loaded. Pure: text in, text out.
 */
#ifndef WAYMARK_PLAN_RULESET_DIFF_H
#define WAYMARK_PLAN_RULESET_DIFF_H

#include <stdbool.h>
#include <stddef.h>

/* Writes "chain output changed, map enter gone, chain x added" to text, cut where
 * there is no room; "" where the listings agree. Returns whether something of what
 * was loaded is gone or another, or the table has a flag more; false where there
 * are only chains, sets and maps more, to which no rule of ours leads. */
bool ruleset_compare(const char *loaded, const char *now, char *text, size_t size);

#endif
