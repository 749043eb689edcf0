/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck.h - searches this host for settings and programs that conflict with Waymark. Each
 * finding describes a conflict, and names the command or the configuration key that fixes the
 * conflict. The checks change nothing.
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

/* The objects that a finding names, for code that processes findings. If the finding names no such
 * object, the field is empty. */
struct finding_subject {
	const char *family;	      /* "ipv4", "ipv6", or NULL */
	enum reason reason;	      /* the reason of the mismatches that the finding can cause */
	char object[160];	      /* the rule or route, written as ip(8) writes it */
	char uplink[UPLINK_NAME_MAX]; /* the uplink whose flows are diverted */
	char egress[IFNAMSIZ];	      /* the interface by which these flows leave instead */
};

struct finding {
	enum finding_level level;
	char *what;
	char *fix; /* NULL: there is nothing to do */
	struct finding_subject subject;
};

struct findings {
	struct finding *list;
	size_t n;
	int error; /* -ENOMEM: some findings are missing */
};

/* findings_add() appends a finding. findings_fix() sets the fix of the finding that was appended
 * last. findings_add() replaces control characters with \xHH. The caller of findings_fix() quotes
 * names that other programs chose (shell.h), because users paste fixes into a shell. */
void findings_add(struct findings *f, enum finding_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void findings_fix(struct findings *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Set the subject of the finding that was appended last. */
void findings_about(struct findings *f, const struct finding_subject *subject);
size_t findings_count(const struct findings *f, enum finding_level level);
void findings_clear(struct findings *f);

/* Run all checks: sysctls, kernel features, rules, routes, uplinks, rulesets of other programs,
 * listeners. If CAP_NET_ADMIN is missing, a warning replaces the checks that need it. The argument
 * `decisions` contains what a running waymarkd has decided about uplinks. Return 0 or -ENOMEM. */
int hostcheck_run(const struct config *c, const struct uplink_decisions *decisions,
		  struct findings *f);

/* Run the quick checks for conflicts with other programs: with their ip rules, routes, rulesets and
 * listeners, and with the process that has bound the NFLOG group. Return 0 or -ENOMEM. */
int hostcheck_others(const struct config *c, struct findings *f);

/* Report the process that has bound the NFLOG group. Return true if such a process was found. This
 * needs root privileges. */
bool hostcheck_log_group(const struct config *c, struct findings *f);

/* Return whether a route to this prefix is general: a default route, one of the two halves of a
 * default route, or in IPv6 2000::/3 or one of its halves. */
bool hostcheck_prefix_is_general(const struct prefix *p);

/* Check only the ip rules and routes of other programs. Return 0 or -ENOMEM. */
int hostcheck_routing(const struct config *c, struct findings *f);

#endif
