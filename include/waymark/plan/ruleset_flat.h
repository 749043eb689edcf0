/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_flat.h - the table's text as commands one by one. Pure: text in, text out.
 */
#ifndef WAYMARK_PLAN_RULESET_FLAT_H
#define WAYMARK_PLAN_RULESET_FLAT_H

/* A second table with the same rules, while the first is replaced. */
#define RULESET_STAND_IN "waymark_stand_in"

/* Convert ruleset_render's text to commands without "table { ... }", which nftables 1.0.6
 * refuses for a table with flags. The table must exist; the contents in its listing former
 * are deleted first (NULL: it is empty). malloc'd, or NULL with errno. */
char *ruleset_flatten(const char *text, const char *former);
/* Return the rules of text as table RULESET_STAND_IN. malloc'd, or NULL with errno. */
char *ruleset_stand_in(const char *text);
/* The text for a table that is there: it is deleted without being named before, for a flag
 * that it has may not be left out. Points into text. */
const char *ruleset_without_add(const char *text);

#endif
