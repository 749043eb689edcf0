/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_diff.h - compares a table's listing with the listing that was made when the table was
 * loaded, and describes the changes for people. Pure: text in, text out.
 */
#ifndef WAYMARK_PLAN_RULESET_DIFF_H
#define WAYMARK_PLAN_RULESET_DIFF_H

#include <stdbool.h>
#include <stddef.h>

/* Write the differences ("chain output changed, map enter gone, chain x added") to 'text',
 * truncated to 'size' bytes. Write "" if there are no differences. Return true if a part that we
 * loaded is gone or changed, or if the table has a new flag. Return false if there are only new
 * chains, sets and maps: no rule of ours leads to them. */
bool ruleset_compare(const char *loaded, const char *now, char *text, size_t size);

#endif
