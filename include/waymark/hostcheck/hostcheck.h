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

/* What the text of a finding names, as separate fields for code that processes findings. A field is
 * empty if the text does not name such an object. */
struct finding_subject {
	const char *family;	      /* "ipv4", "ipv6", or NULL */
	enum reason reason;	      /* the reason of the mismatches that the conflict can cause */
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

/* findings_add() appends a finding and replaces control characters in it with \xHH. findings_fix()
 * sets the fix of the finding that was appended last. Users paste fixes into a shell, so the caller
 * of findings_fix() must quote names that other programs chose (shell.h). */
void findings_add(struct findings *f, enum finding_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void findings_fix(struct findings *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Set the subject of the finding that was appended last. */
void findings_about(struct findings *f, const struct finding_subject *subject);
size_t findings_count(const struct findings *f, enum finding_level level);
void findings_clear(struct findings *f);

/* Run all checks: sysctls, kernel features, rules, routes, uplinks, rulesets of other programs,
 * listeners. If CAP_NET_ADMIN is missing, a warning replaces the checks that need it. `decisions`:
 * which uplinks the running waymarkd has drained or taken down. Return 0 or -ENOMEM. */
int hostcheck_run(const struct config *c, const struct uplink_decisions *decisions,
		  struct findings *f);

/* Check only for conflicts with other programs: their ip rules, routes, nftables rules and
 * conntrack listeners, and a process that has bound our NFLOG group. Return 0 or -ENOMEM. */
int hostcheck_others(const struct config *c, struct findings *f);

/* Report the process that has bound our NFLOG group. Return whether the group is bound, even if it
 * is bound by waymarkd. Only root can see this. */
bool hostcheck_log_group(const struct config *c, struct findings *f);

/* Return whether a route to this prefix takes the place of a default route, wholly or by half:
 * 0.0.0.0/0, 0.0.0.0/1 and 128.0.0.0/1; ::/0, 2000::/3 and the halves of these two. */
bool hostcheck_prefix_is_general(const struct prefix *p);

/* Check only the ip rules and routes of other programs. Return 0 or -ENOMEM. */
int hostcheck_routing(const struct config *c, struct findings *f);

#endif
