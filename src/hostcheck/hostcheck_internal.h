/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_internal.h - the parts of the host's check. Each is handed what it reads, so
 * that tests can hand in what no test host has.
 */
#ifndef WAYMARK_SRC_HOSTCHECK_HOSTCHECK_INTERNAL_H
#define WAYMARK_SRC_HOSTCHECK_HOSTCHECK_INTERNAL_H

#include <stdbool.h>
#include <stdio.h>

#include "waymark/hostcheck/hostcheck.h"
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_plan.h"

/* Rulesets of other programs: json is what `nft -j list ruleset` prints. */
void hostcheck_rulesets(struct findings *f, const struct config *c, const char *json);

/* ip rules and general routes of other programs that take pinned flows. */
void hostcheck_rules(struct findings *f, const struct config *c, const struct netstate *s,
		     const struct route_plan *plan);

/* Tables with a local default route, as tproxy has them, beside src_valid_mark = 1. */
void hostcheck_tproxy(struct findings *f, const struct netstate *s, bool is_valid_mark);

/* Routes of other programs in the tables of the uplinks. */
void hostcheck_tables(struct findings *f, const struct config *c, const struct netstate *s);

/* Each uplink's link, addresses and gateways; how an installed plan differs. */
void hostcheck_uplinks(struct findings *f, const struct config *c, const struct netstate *s,
		       const struct route_plan *plan);
void hostcheck_installed(struct findings *f, const struct config *c, const struct netstate *s,
			 const struct route_plan *plan);

/* Check the folder of a file that waymarkd writes, and the addresses that it listens on. */
void hostcheck_folder(struct findings *f, const char *key, const char *path);
void hostcheck_listen(struct findings *f, const struct config *c, const struct netstate *s);

/* systemd-networkd's settings under a root folder; a file with a saved ruleset; both,
 * where this host has them. */
void hostcheck_networkd(struct findings *f, const struct config *c, const char *root);
void hostcheck_saved_ruleset(struct findings *f, const char *path);
void hostcheck_programs(struct findings *f, const struct config *c);

/* Name the process that has the NFLOG group: groups is /proc/net/netfilter/nfnetlink_log.
 * Returns whether one has. */
bool hostcheck_nflog_group(struct findings *f, const struct config *c, FILE *groups, FILE *sockets);

/* Other listeners to conntrack events: sockets is /proc/net/netlink. */
void hostcheck_listeners(struct findings *f, const struct config *c, FILE *sockets);

#endif
