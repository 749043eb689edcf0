/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_flat.h - the table's text as commands one by one. Pure: text in, text out.
 */
#ifndef WAYMARK_PLAN_RULESET_FLAT_H
#define WAYMARK_PLAN_RULESET_FLAT_H

/* A second table with the same rules, while the first is made anew. */
#define RULESET_STAND_IN "waymark_stand_in"

/* What ruleset_render gave as commands that need no "table { ... }": nftables 1.0.6 refuses
 * that on a table with flags. The table must be there; what former, its listing, has in it
 * is deleted first (NULL: it is empty). malloc'd, or NULL with errno. */
char *ruleset_flatten(const char *text, const char *former);
/* The same rules as table RULESET_STAND_IN. malloc'd, or NULL with errno. */
char *ruleset_stand_in(const char *text);
/* The text for a table that is there: it is deleted without being named before, for a flag
 * that it has may not be left out. Points into text. */
const char *ruleset_without_add(const char *text);

#endif
