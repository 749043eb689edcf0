/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck.h - what on this host works against Waymark, as a list of findings: what was
 * found, and the command or the key that fixes it. Changes nothing.
 */
#ifndef WAYMARK_HOSTCHECK_HOSTCHECK_H
#define WAYMARK_HOSTCHECK_HOSTCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <net/if.h>

#include "waymark/base/addr.h"
#include "waymark/base/record.h"
#include "waymark/config/config.h"
#include "waymark/plan/route_plan.h"

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_ERROR };
const char *finding_level_name(enum finding_level level);

/* What a finding names, for programs; empty where it names none. */
struct finding_subject {
	const char *family;	      /* "ipv4", "ipv6", or NULL */
	enum reason reason;	      /* of the mismatches that it leads to */
	char object[160];	      /* the rule or route, as ip(8) names it */
	char uplink[UPLINK_NAME_MAX]; /* whose flows it takes over */
	char egress[IFNAMSIZ];	      /* where they leave instead */
};

struct finding {
	enum finding_level level;
	char *what;
	char *fix; /* NULL: nothing to do */
	struct finding_subject subject;
};

struct findings {
	struct finding *list;
	size_t n;
	int error; /* -ENOMEM: some are missing */
};

/* Append a finding; a fix belongs to the one added last. Control characters are made
 * visible; words of a fix that come from elsewhere are quoted by the caller. */
void findings_add(struct findings *f, enum finding_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void findings_fix(struct findings *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Set the object that the last added finding is about. */
void findings_about(struct findings *f, const struct finding_subject *subject);
size_t findings_count(const struct findings *f, enum finding_level level);
void findings_clear(struct findings *f);

/* Check everything: sysctls, kernel features, rules, routes, uplinks, rulesets of other
 * programs, listeners. What needs CAP_NET_ADMIN becomes a warning without it. decisions: what
 * a running daemon steers by. 0 or -ENOMEM. */
int hostcheck_run(const struct config *c, const struct uplink_decisions *decisions,
		  struct findings *f);

/* Check only what other programs have that meets what is Waymark's: ip rules, routes,
 * rulesets, the log group, listeners. Quick. 0 or -ENOMEM. */
int hostcheck_others(const struct config *c, struct findings *f);

/* Name the process that has the log group; return whether one has, as far as this user may
 * read it. */
bool hostcheck_log_group(const struct config *c, struct findings *f);

/* Return whether a route to this prefix may take flows in general: a default route, a half of
 * one, or in IPv6 2000::/3 or a half of it. */
bool hostcheck_prefix_is_general(const struct prefix *p);

/* Check only their ip rules and routes. 0 or -ENOMEM. */
int hostcheck_routing(const struct config *c, struct findings *f);

#endif
