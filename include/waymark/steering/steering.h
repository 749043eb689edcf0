/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering.h - installs and removes the steering as a whole, and keeps it as planned: ruleset,
 * ip rules, routes, sysctls. What it displaced is written to a state file beside the control
 * socket, so that remove (by any process, later) leaves the machine as it was found.
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
/* Return the netlink socket of the ruleset's transactions. The launcher, which forks the child that
 * runs each transaction, must keep it open. */
int steering_nft_fd(const struct steering *s);
void steering_set_config(struct steering *s, const struct config *c);

/* Set the decision about an uplink. It takes effect at the next apply or reconcile. An uplink that
 * has the same name in a new configuration keeps its decision. */
void steering_set_decision(struct steering *s, uint8_t slot, enum uplink_decision decision);

/* Return the netlink port id of our route and rule changes, which their notifications carry
 * (rtnl_monitor). Notifications of our ruleset changes carry the pid of this process instead. */
uint32_t steering_port(const struct steering *s);

/* How long apply, reconcile and remove wait for another process that changes the steering
 * (5 s unless set); then they fail with -EBUSY, and the message names that process. */
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
/* Release the ownership and keep the table, before a process ends whose steering stays installed.
 * Return 0 or -errno. */
int steering_unprotect(struct steering *s);

/* Install everything: sysctls, tables, rules, ruleset and default route, in an order in which no
 * packet is mis-steered. Idempotent. On failure undo everything that this call changed, print a
 * message "what: why; what to do" to errors, and return -errno. */
int steering_apply(struct steering *s, FILE *errors);

/* Apply, and record how to undo the changes. steering_undo() undoes them; steering_confirm()
 * discards the record. */
int steering_apply_held(struct steering *s, FILE *errors);
int steering_undo(struct steering *s, FILE *errors);
void steering_confirm(struct steering *s);

/* Called by steering_apply() after the rules and the ruleset are installed and before the default
 * route of table main is changed. At this moment existing flows can be marked before any of them
 * moves to another uplink. is_new: this apply has loaded the ruleset. */
typedef void steering_midway_fn(void *data, bool is_new);
void steering_set_midway(struct steering *s, steering_midway_fn *fn, void *data);

/* Called around each load of the ruleset, which resets its counters: before it (is_done false),
 * while they can still be read, and after a successful load (is_done true). */
typedef void steering_load_fn(void *data, bool is_done);
void steering_set_load(struct steering *s, steering_load_fn *fn, void *data);

/* Called instead of steering_file_save() to save the state beside the control socket, for a caller
 * that must not wait for a disk. If text is NULL, delete the file. Return 0, or -errno if the state
 * was not saved. */
typedef int steering_save_fn(void *data, const char *control_socket, const char *text);
void steering_set_save(struct steering *s, steering_save_fn *fn, void *data);
int steering_file_save(const char *control_socket, const char *text);

/* steering_reconcile(): take a new snapshot of the kernel's state, plan again, and change routes,
 * rules, sysctls and the ruleset where they differ from the plan, after links changed or another
 * process changed them. Return how many things were changed, or -errno. Report each change to fn,
 * if it is not NULL. */
enum steering_thing { STEERING_RULESET, STEERING_RULE, STEERING_ROUTE, STEERING_SYSCTL };
struct steering_change {
	enum steering_thing thing;
	bool is_missing;  /* it was missing and was added; else it was unexpected and was removed */
	bool is_undone;	  /* it was as planned after the last apply or reconcile, and the plan is
			   * the same: another process or the kernel has changed it since */
	bool is_blinding; /* for a ruleset: a part of it is missing or changed */
	const struct route_state *route; /* for STEERING_ROUTE; valid during the callback */
	const struct rule_state *rule;	 /* for STEERING_RULE; valid during the callback */
	char what[160];			 /* "rule 1001: fwmark 0x2/0xff lookup 251" */
	char detail[112];		 /* "was 0", "chain output changed"; "" */
};
typedef void steering_change_fn(void *data, const struct steering_change *change);
int steering_reconcile(struct steering *s, steering_change_fn *fn, void *data, FILE *errors);

/* Numbers of changes by kind. */
struct steering_counts {
	unsigned ruleset, rules, routes, sysctls;
};
void steering_count(struct steering_counts *n, const struct steering_change *change);

/* Report the changes of apply and remove, too. NULL: no report. */
void steering_set_change(struct steering *s, steering_change_fn *fn, void *data);

/* steering_compare(): report to fn each difference between the installed steering and the
 * configuration. Changes nothing, but needs CAP_NET_ADMIN. Return the number of differences, or
 * -errno. */
struct steering_difference {
	enum steering_thing thing;
	bool is_missing;  /* configured, not installed; else installed, not configured */
	uint8_t family;	  /* of a rule or route */
	const char *text; /* as ip(8) and sysctl(8) take it; of the ruleset: how it differs */
};
typedef void steering_difference_fn(void *data, const struct steering_difference *d);
int steering_compare(struct steering *s, steering_difference_fn *fn, void *data);

/* Called before each change of a reconcile; false forbids the change. It may be called more than
 * once for one change in one reconcile. NULL: every change is allowed. */
typedef bool steering_judge_fn(void *data, const struct steering_change *change);
void steering_set_judge(struct steering *s, steering_judge_fn *judge, void *data);

/* Cheap checks that make no plan. steering_has_ruleset(): is the ruleset in the kernel as it was
 * loaded? steering_sysctls_astray(): which sysctls have another value than planned, one bit each?
 * Only those whose changes the kernel does not notify. steering_sysctls_left(): which of these has
 * the last run left so, because it was not allowed to set them or failed? steering_wants_place():
 * does the plan have a route at this place? */
bool steering_has_ruleset(struct steering *s);
uint32_t steering_sysctls_astray(const struct steering *s);
uint32_t steering_sysctls_left(const struct steering *s);
bool steering_wants_place(const struct steering *s, const struct route_state *place);

/* Remove everything of ours and restore what was displaced. Continue after a failure. Return 0 or
 * -errno; 0 also if nothing is installed. */
int steering_remove(struct steering *s, FILE *errors);

/* Print what would be installed: sysctls, ruleset, rules, routes. Reads links, addresses and
 * routes, which needs no privilege. Return 0 or -errno. */
int steering_print(struct steering *s, FILE *out);

/* Return the plan and the snapshot of the last apply, reconcile or print, or NULL before the first.
 * s owns both; they are valid until the next apply, reconcile or print. */
const struct route_plan *steering_plan(const struct steering *s);
const struct netstate *steering_netstate(const struct steering *s);

/* Return in how many ms a reconcile is due that lets the flows of an uplink that stays down use
 * another uplink; -1: none is due. Until then their packets are rejected, so that an uplink that is
 * down for a moment keeps its flows. */
int64_t steering_release_delay_ms(const struct steering *s);

/* Return since when the ruleset labels flows by their egress (ms of CLOCK_REALTIME), whichever
 * process loaded it; 0: unknown, or not loaded. Flows that began earlier may lack evidence. */
int64_t steering_labels_since_ms(const struct steering *s);

/* steering_labels_stale_from(): return the first connlabel bit that existing flows may carry with
 * an older meaning; LABELS_TOTAL: none. steering_labels_keep(): record the current meaning of these
 * bits, after they were cleared in all flows. The apply in progress, or else the next one, saves it
 * with the state. */
unsigned steering_labels_stale_from(const struct steering *s);
void steering_labels_keep(struct steering *s);

/* Return why a packet with this uplink's mark may leave by another interface, from the kernel's
 * current rules and routes (fib_diagnose). Write the responsible rule or route to object, or "".
 * Return REASON_UNEXPLAINED also if the kernel's state could not be read. */
enum reason steering_diagnose(struct steering *s, const struct uplink_config *u,
			      const struct fib_query *q, char object[OBJECT_MAX]);

/* Return whether the ruleset is in the kernel as it was loaded, so that it restores marks. If the
 * state file cannot be read, return true. */
bool steering_is_restoring(struct steering *s);

#endif
