/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_internal.h - declares the individual checks of a host. The caller passes in the data
 * that a check reads. Tests can therefore pass in states that no test host has.
 */
#ifndef WAYMARK_SRC_HOSTCHECK_HOSTCHECK_INTERNAL_H
#define WAYMARK_SRC_HOSTCHECK_HOSTCHECK_INTERNAL_H

#include <stdbool.h>
#include <stdio.h>

#include "waymark/hostcheck/hostcheck.h"
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_plan.h"

/* Check the nftables rulesets of other programs. `json` is the output of `nft -j list ruleset`. */
void hostcheck_rulesets(struct findings *f, const struct config *c, const char *json);

/* Check for ip rules of other programs that divert pinned flows, and for such routes that take the
 * place of a default route (hostcheck_prefix_is_general()). */
void hostcheck_rules(struct findings *f, const struct config *c, const struct netstate *s,
		     const struct route_plan *plan);

/* Check for ip rules of transparent proxies, which conflict with src_valid_mark = 1
 * (is_valid_mark). Such a rule leads to a table with a default route of type local. */
void hostcheck_tproxy(struct findings *f, const struct netstate *s, bool is_valid_mark);

/* Check for routes of other programs in the tables of the uplinks. */
void hostcheck_tables(struct findings *f, const struct config *c, const struct netstate *s);

/* hostcheck_uplinks() checks each uplink's link, addresses and gateways. hostcheck_installed()
 * compares the installed steering with the plan. */
void hostcheck_uplinks(struct findings *f, const struct config *c, const struct netstate *s,
		       const struct route_plan *plan);
void hostcheck_installed(struct findings *f, const struct config *c, const struct netstate *s,
			 const struct route_plan *plan);

/* hostcheck_folder() checks that the folder of a file that waymarkd writes exists.
 * hostcheck_listen() checks that this host has the address that waymarkd listens on. */
void hostcheck_folder(struct findings *f, const char *key, const char *path);
void hostcheck_listen(struct findings *f, const struct config *c, const struct netstate *s);

/* hostcheck_networkd() checks the settings of systemd-networkd below the folder `root`.
 * hostcheck_saved_ruleset() checks a file with a saved ruleset. hostcheck_programs() calls both
 * with the paths of this host. */
void hostcheck_networkd(struct findings *f, const struct config *c, const char *root);
void hostcheck_saved_ruleset(struct findings *f, const char *path);
void hostcheck_programs(struct findings *f, const struct config *c);

/* Report the process that has bound the NFLOG group, and return whether there is one. `groups` is
 * /proc/net/netfilter/nfnetlink_log; `sockets` is /proc/net/netlink, or NULL if it cannot be
 * read. */
bool hostcheck_nflog_group(struct findings *f, const struct config *c, FILE *groups, FILE *sockets);

/* Report processes other than waymarkd that listen to conntrack events. `sockets` is
 * /proc/net/netlink. */
void hostcheck_listeners(struct findings *f, const struct config *c, FILE *sockets);

#endif
