/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_internal.h - the parts of the host's check, each with what it looks at
 * handed in, so that tests can hand in what no test host has.
 */
#ifndef WAYMARK_SRC_HOSTCHECK_HOSTCHECK_INTERNAL_H
#define WAYMARK_SRC_HOSTCHECK_HOSTCHECK_INTERNAL_H

#include <stdbool.h>
#include <stdio.h>

#include "waymark/hostcheck/hostcheck.h"
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_plan.h"

/* The sysctls that the configuration wants, as this namespace has them. */
void hostcheck_sysctls(struct findings *f, const struct config *c);

/* Rulesets of others: json is what `nft -j list ruleset` prints. */
void hostcheck_rulesets(struct findings *f, const struct config *c, const char *json);

/* ip rules of others: marks that overlap ours, priorities inside or before ours. */
void hostcheck_rules(struct findings *f, const struct config *c, const struct netstate *s);

/* Routes of others in the tables of the uplinks. */
void hostcheck_tables(struct findings *f, const struct config *c, const struct netstate *s);

/* Each uplink's link, addresses and gateways; what of an installed plan is missing. */
void hostcheck_uplinks(struct findings *f, const struct config *c, const struct netstate *s,
		       const struct route_plan *plan);
void hostcheck_installed(struct findings *f, const struct config *c, const struct netstate *s,
			 const struct route_plan *plan);

/* Who has the NFLOG group: groups is /proc/net/netfilter/nfnetlink_log. Returns
 * whether somebody has. */
bool hostcheck_nflog_group(struct findings *f, const struct config *c, FILE *groups, FILE *sockets);

/* Who else listens to conntrack events: sockets is /proc/net/netlink. */
void hostcheck_listeners(struct findings *f, const struct config *c, FILE *sockets);

#endif
