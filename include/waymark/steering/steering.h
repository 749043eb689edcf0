/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering.h - installs and removes the steering as a whole (ruleset, ip rules, routes and
 * sysctls), and repairs it. The routes and sysctl values that it replaces are saved in a state file
 * beside the control socket, so that another process can restore them later.
 */
#ifndef WAYMARK_STEERING_STEERING_H
#define WAYMARK_STEERING_STEERING_H

#include <stdio.h>

#include "waymark/config/config.h"
#include "waymark/plan/fib.h"
#include "waymark/plan/netstate.h"
#include "waymark/base/record.h"
#include "waymark/plan/route_plan.h"

struct steering;

/* Open the kernel's interfaces (rtnetlink, nftables) and return a steering that has changed nothing
 * yet, or NULL with errno. CAP_NET_ADMIN is needed only from steering_apply() on. The configuration
 * must stay valid until steering_set_config() replaces it or the steering is closed. */
struct steering *steering_open(const struct config *c);
void steering_close(struct steering *s);
/* Return the netlink socket of the ruleset's transactions, for transaction_launcher_start()
 * (kernel/transaction.h). The launcher must not close this socket, because its children use it. */
int steering_nft_fd(const struct steering *s);
void steering_set_config(struct steering *s, const struct config *c);

/* Set what was decided about an uplink (enum uplink_decision in plan/route_plan.h). The decision
 * takes effect at the next apply or reconcile. An uplink keeps its decision in a new configuration
 * that has an uplink of the same name. */
void steering_set_decision(struct steering *s, uint8_t slot, enum uplink_decision decision);

/* Return the netlink port id that the kernel's notices of our route and rule changes carry
 * (rtnl_monitor). Notices of our ruleset changes carry the pid of this process or of one of its
 * children instead (transaction_is_child()). */
uint32_t steering_port(const struct steering *s);

/* steering_apply(), _undo(), _reconcile() and _remove() wait while another process changes the
 * steering. After STEERING_PATIENCE_MS, or the time that steering_set_patience() has set, they
 * print the name of that process and fail with -EBUSY. */
#define STEERING_PATIENCE_MS 5000
void steering_set_patience(struct steering *s, unsigned patience_ms);

/* Set whether the ruleset sets a ct event mask (events = minimal). */
void steering_set_minimal_events(struct steering *s, bool is_minimal);

/* Set whether this process owns table inet waymark (protect-table) from the next apply on. Other
 * processes cannot change an owned table, and their "flush ruleset" does not remove it. */
void steering_set_protection(struct steering *s, bool is_wanted);
bool steering_can_protect(const struct steering *s); /* protection is wanted, and the kernel
						      * supports it */
bool steering_is_protected(const struct steering *s);
/* Release the ownership of table inet waymark, but keep the table. Call this function before this
 * process ends if the steering is to stay installed. Return 0 or -errno. */
int steering_unprotect(struct steering *s);

/* Install everything: sysctls, the uplinks' tables, ip rules, ruleset and default route, in an
 * order in which no packet leaves by a wrong uplink. What is already installed stays as it is. On
 * failure undo everything that this call changed, print a message "what: why; what to do" to
 * errors, and return -errno. */
int steering_apply(struct steering *s, FILE *errors);

/* Apply, and record how to undo the changes of this apply. The caller then calls either
 * steering_undo(), which undoes them, or steering_confirm(), which discards the record. */
int steering_apply_held(struct steering *s, FILE *errors);
int steering_undo(struct steering *s, FILE *errors);
void steering_confirm(struct steering *s);

/* Called by steering_apply() after the rules and the ruleset are installed and before the default
 * route of table main is changed. The callee can mark existing flows before any of them moves to
 * another uplink. is_new: this apply has loaded the ruleset. */
typedef void steering_midway_fn(void *data, bool is_new);
void steering_set_midway(struct steering *s, steering_midway_fn *fn, void *data);

/* Called with is_done false before each load of the ruleset, while the counters of its rules can
 * still be read. Called with is_done true after each successful load, which has reset these
 * counters. */
typedef void steering_load_fn(void *data, bool is_done);
void steering_set_load(struct steering *s, steering_load_fn *fn, void *data);

/* Set a function that saves the state file in place of steering_file_save(), for a process that
 * must not wait for a disk. The file is in the folder of control_socket. `text` is the new content
 * of the file; NULL: delete the file. The function returns 0, or -errno if the state was not
 * saved. */
typedef int steering_save_fn(void *data, const char *control_socket, const char *text);
void steering_set_save(struct steering *s, steering_save_fn *fn, void *data);
int steering_file_save(const char *control_socket, const char *text);

/* steering_reconcile() takes a new snapshot of the kernel's state, makes a new plan, and changes
 * the routes, rules, sysctls, interface groups and the ruleset that differ from the plan. Call it
 * when links have changed, or when another process has changed the steering. It returns the number
 * of changes, or -errno. It reports each change to fn, except changes of interface groups. fn may
 * be NULL. */
enum steering_thing { STEERING_RULESET, STEERING_RULE, STEERING_ROUTE, STEERING_SYSCTL };
struct steering_change {
	enum steering_thing thing;
	/* true: the thing was missing or had another value, and is now as planned; false: an
	 * unexpected thing was removed */
	bool is_missing;
	/* true: another process or the kernel changed the thing after we had installed it; false:
	 * the plan is new or has changed */
	bool is_undone;
	/* for STEERING_RULESET: evidence might be missing, because a part that we loaded was missing
	 * or changed (see ruleset_compare()), or because we do not know what was changed */
	bool is_blinding;
	const struct route_state *route; /* for STEERING_ROUTE; valid during the callback */
	const struct rule_state *rule;	 /* for STEERING_RULE; valid during the callback */
	char what[160];			 /* "rule 1001: fwmark 0x2/0xff lookup 251" */
	char detail[112];		 /* "was 0", "chain output changed", or "" */
};
typedef void steering_change_fn(void *data, const struct steering_change *change);
int steering_reconcile(struct steering *s, steering_change_fn *fn, void *data, FILE *errors);

/* Numbers of changes by kind. steering_count() adds one change. */
struct steering_counts {
	unsigned ruleset, rules, routes, sysctls;
};
void steering_count(struct steering_counts *n, const struct steering_change *change);

/* Set the function to which apply and remove report their changes. NULL: no report. */
void steering_set_change(struct steering *s, steering_change_fn *fn, void *data);

/* steering_compare() reports to fn each difference between the installed steering and the one that
 * the configuration requires. It changes nothing, but needs CAP_NET_ADMIN. It returns the number of
 * differences, or -errno. */
struct steering_difference {
	enum steering_thing thing;
	/* true: the thing is configured but not installed; false: the thing is installed but not
	 * configured in this form */
	bool is_missing;
	uint8_t family; /* of a rule or route */
	/* a rule or route as ip(8) prints it; a sysctl as NAME=VALUE; for the ruleset: the
	 * difference, or "" if the ruleset is missing */
	const char *text;
};
typedef void steering_difference_fn(void *data, const struct steering_difference *d);
int steering_compare(struct steering *s, steering_difference_fn *fn, void *data);

/* Set a function that can forbid a change by returning false; NULL: every change is allowed.
 * steering_reconcile() calls it before it changes a route, rule, sysctl or the ruleset, but not
 * before it restores a former route. steering_remove() calls it before it deletes a route or rule.
 * It can be called more than once for the same change. */
typedef bool steering_judge_fn(void *data, const struct steering_change *change);
void steering_set_judge(struct steering *s, steering_judge_fn *judge, void *data);

/* Cheap checks, which make no new plan: */

/* Return whether the ruleset in the kernel is unchanged since it was loaded. */
bool steering_has_ruleset(struct steering *s);
/* Return which planned sysctls do not have the planned value, as a set with one bit per sysctl. An
 * rp_filter has no bit, because the kernel sends notices about its changes. */
uint32_t steering_sysctls_astray(const struct steering *s);
/* Return, as the same kind of set, which sysctls the last apply or reconcile could not set or was
 * not allowed to set (steering_set_judge()). */
uint32_t steering_sysctls_left(const struct steering *s);
/* Return whether the current plan has a route at this place (route_is_same_place()). */
bool steering_wants_place(const struct steering *s, const struct route_state *place);

/* Remove everything that we installed and restore the former routes and sysctls. Continue after a
 * failure. Return 0 or -errno; 0 also if nothing is installed. */
int steering_remove(struct steering *s, FILE *errors);

/* Print what would be installed: sysctls, ruleset, rules, routes. Reads links, addresses and
 * routes, which needs no privilege. Return 0 or -errno. */
int steering_print(struct steering *s, FILE *out);

/* Return the plan and the snapshot that were made last, or NULL if none was made. Apply, reconcile,
 * compare, remove and print make new ones. s owns both; they are valid until the next of these
 * calls. */
const struct route_plan *steering_plan(const struct steering *s);
const struct netstate *steering_netstate(const struct steering *s);

/* When an uplink goes down, the packets of its flows are first rejected, so that an uplink that is
 * down only for a moment keeps its flows. If the uplink stays down, a later reconcile lets its
 * flows use another uplink. Return the time until that reconcile is due, in ms; -1: no such
 * reconcile is due. */
int64_t steering_release_delay_ms(const struct steering *s);

/* Return when the ruleset began to label flows with their egress (ms of CLOCK_REALTIME; 0: unknown,
 * or no ruleset is loaded), even if another process loaded it. Flows that began earlier might have
 * no label. */
int64_t steering_labels_since_ms(const struct steering *s);

/* In an older configuration a label bit might have meant another interface, and existing flows
 * might still have the bit. steering_labels_stale_from() returns the first connlabel bit for which
 * this is possible; LABELS_TOTAL: none. The caller clears the bits from this one on in all flows,
 * and then calls steering_labels_keep(), which records what each bit means now. The apply in
 * progress, or else the next apply, saves the record with the state. */
unsigned steering_labels_stale_from(const struct steering *s);
void steering_labels_keep(struct steering *s);

/* Find out from the kernel's current rules and routes why a packet with this uplink's mark left by
 * another interface (fib_diagnose()). Return the reason. Write the responsible rule or
 * route to object, or "". If the kernel's state could not be read, return REASON_UNEXPLAINED. */
enum reason steering_diagnose(struct steering *s, const struct uplink_config *u,
			      const struct fib_query *q, char object[OBJECT_MAX]);

/* Return whether the kernel's current rules and routes make a new flow from src to dst leave by
 * uplink u, although new flows should use another uplink. Set object as drain_is_ignored() does
 * (plan/drain.h). */
bool steering_is_undrained(struct steering *s, const struct uplink_config *u,
			   const struct addr *src, const struct addr *dst, char object[OBJECT_MAX]);

/* Return whether the ruleset in the kernel is complete, so that it restores marks: whether it is
 * unchanged since it was loaded. Unlike steering_has_ruleset(), use the state file if another
 * process loaded the ruleset. Return true if this file cannot be read. */
bool steering_is_restoring(struct steering *s);

#endif
