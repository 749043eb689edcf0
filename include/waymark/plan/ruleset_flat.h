/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_flat.h - converts the table's text to single nft commands. Pure: text in, text out.
 */
#ifndef WAYMARK_PLAN_RULESET_FLAT_H
#define WAYMARK_PLAN_RULESET_FLAT_H

/* A second table with the same rules, which is loaded while the first one is replaced. */
#define RULESET_STAND_IN "waymark_stand_in"

/* Convert the text of ruleset_render() to commands without "table { ... }", because nftables 1.0.6
 * refuses this syntax for a table with flags. The commands replace the contents of an existing
 * table. `former` is the table's current listing, whose contents the first commands delete; NULL:
 * the table is empty. Return malloc'd text, or NULL with errno. */
char *ruleset_flatten(const char *text, const char *former);
/* Return a malloc'd copy of 'text' in which the table is named RULESET_STAND_IN, or NULL with
 * errno. */
char *ruleset_stand_in(const char *text);
/* Return 'text' without its first command, "add table". Use the result for an existing table,
 * because nft refuses "add table" if the table has a flag that the command does not name. The
 * result points into 'text'. */
const char *ruleset_without_add(const char *text);

#endif
