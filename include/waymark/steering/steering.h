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

/* Opens the kernel's interfaces (rtnetlink, nftables). Nothing is changed.
 * Needs CAP_NET_ADMIN only from steering_apply on. NULL with errno. The
 * configuration must outlive the steering or be replaced by steering_set_config. */
struct steering *steering_open(const struct config *c);
void steering_close(struct steering *s);
/* The socket that the ruleset's transactions go through, for their launcher to keep. */
int steering_nft_fd(const struct steering *s);
void steering_set_config(struct steering *s, const struct config *c);

/* Set what has been decided about an uplink; it is obeyed from the next apply or reconcile
 * on, and kept by the uplink's name over steering_set_config. */
void steering_set_decision(struct steering *s, uint8_t slot, enum uplink_decision decision);

/* The netlink port of its route and rule changes: the pid of the notices that they cause
 * (rtnl_monitor). Notices of its ruleset changes carry the process's pid. */
uint32_t steering_port(const struct steering *s);

/* How long apply, reconcile and remove wait for another process that changes the steering
 * (5 s unless set); then they fail with -EBUSY, and the message names that process. */
#define STEERING_PATIENCE_MS 5000
void steering_set_patience(struct steering *s, unsigned patience_ms);

/* Whether the ct event mask is wanted (events = minimal). */
void steering_set_minimal_events(struct steering *s, bool is_minimal);

/* Whether the table is to be this process's own (protect-table) from the next apply on.
 * Others cannot change it then, and their flush passes over it. */
void steering_set_protection(struct steering *s, bool is_wanted);
bool steering_can_protect(const struct steering *s); /* it is wanted, and the kernel can */
bool steering_is_protected(const struct steering *s);
/* Give up the ownership and keep the table, for a process that ends while the steering stays. 0
 * or -errno. */
int steering_unprotect(struct steering *s);

/* Installs everything, idempotent: sysctls, tables, rules, ruleset, default
 * route, in an order in which no packet is mis-steered. On failure everything
 * that this call changed is undone, a message "what: why; what to do" is
 * printed to errors, and -errno is returned. */
int steering_apply(struct steering *s, FILE *errors);

/* Apply so that steering_undo can undo it; steering_confirm ends that. */
int steering_apply_held(struct steering *s, FILE *errors);
int steering_undo(struct steering *s, FILE *errors);
void steering_confirm(struct steering *s);

/* Called in steering_apply when the rules are there and main's default route is
 * still as it was: the moment in which flows from before can be marked, and none
 * has moved yet. is_new: the ruleset was not there before as it is now. */
typedef void steering_midway_fn(void *data, bool is_new);
void steering_set_midway(struct steering *s, steering_midway_fn *fn, void *data);

/* Called around each load of the ruleset, which resets its counters: before it (is_done false),
 * while they can still be read, and after a successful load (is_done true). */
typedef void steering_load_fn(void *data, bool is_done);
void steering_set_load(struct steering *s, steering_load_fn *fn, void *data);

/* Called to save the state beside the control socket, in place of steering_file_save, for a
 * caller that must not wait for a disk. 0, or -errno: not saved. text NULL: delete the
 * file. */
typedef int steering_save_fn(void *data, const char *control_socket, const char *text);
void steering_set_save(struct steering *s, steering_save_fn *fn, void *data);
int steering_file_save(const char *control_socket, const char *text);

/* Brings routes, rules and sysctls back to the plan for the snapshot that the kernel gives now
 * (links that came and went, tampering), and the ruleset if it is not there. Returns how many
 * things it changed, or -errno. Each change is reported to the callback, if there is one. */
enum steering_thing { STEERING_RULESET, STEERING_RULE, STEERING_ROUTE, STEERING_SYSCTL };
struct steering_change {
	enum steering_thing thing;
	bool is_missing;  /* it was missing and was added; else it was unexpected and was removed */
	bool is_undone;	  /* it was as wanted after the last apply or reconcile, and is
			  * wanted still: another process, or the kernel, has undone it since */
	bool is_blinding; /* of a ruleset: something of it is gone or another */
	const struct route_state *route; /* with STEERING_ROUTE, valid in the callback */
	const struct rule_state *rule;	 /* with STEERING_RULE, likewise */
	char what[160];			 /* "rule 1001: fwmark 0x2/0xff lookup 251" */
	char detail[112];		 /* "was 0", "chain output changed"; "" */
};
typedef void steering_change_fn(void *data, const struct steering_change *change);
int steering_reconcile(struct steering *s, steering_change_fn *fn, void *data, FILE *errors);

/* Changes by kind. */
struct steering_counts {
	unsigned ruleset, rules, routes, sysctls;
};
void steering_count(struct steering_counts *n, const struct steering_change *change);

/* Report the changes of apply and remove, too. NULL: no report. */
void steering_set_change(struct steering *s, steering_change_fn *fn, void *data);

/* Report how what is installed differs from what the configuration says. Needs
 * CAP_NET_ADMIN; changes nothing. Return how many differences, or -errno. */
struct steering_difference {
	enum steering_thing thing;
	bool is_missing;  /* configured, not installed; else the other way round */
	uint8_t family;	  /* of a rule or route */
	const char *text; /* as ip(8) and sysctl(8) take it; of the ruleset: how it differs */
};
typedef void steering_difference_fn(void *data, const struct steering_difference *d);
int steering_compare(struct steering *s, steering_difference_fn *fn, void *data);

/* Asked before each change of a reconcile: false leaves things as they are. A
 * change may be asked of more than once in one reconcile. NULL: every change is allowed. */
typedef bool steering_judge_fn(void *data, const struct steering_change *change);
void steering_set_judge(struct steering *s, steering_judge_fn *judge, void *data);

/* Cheap checks that need no plan: whether the ruleset is there
 * as it was loaded; which sysctls of those without a notification are not as wanted
 * (a bit each), and which of them the last run left so, because it might not or could not set
 * them; whether the plan wants a route in this place. */
bool steering_has_ruleset(struct steering *s);
uint32_t steering_sysctls_astray(const struct steering *s);
uint32_t steering_sysctls_left(const struct steering *s);
bool steering_wants_place(const struct steering *s, const struct route_state *place);

/* Remove everything of ours and restore what was displaced. Go on after a failure. 0 or -errno;
 * 0 also if nothing is installed. */
int steering_remove(struct steering *s, FILE *errors);

/* Prints what would be installed: sysctls, ruleset, rules, routes. Reads links,
 * addresses and routes, which needs no privilege. 0 or -errno. */
int steering_print(struct steering *s, FILE *out);

/* The plan and the snapshot of the last apply, reconcile or print; owned by s,
 * valid until the next of them. NULL before. */
const struct route_plan *steering_plan(const struct steering *s);
const struct netstate *steering_netstate(const struct steering *s);

/* In how many ms a reconcile is due that lets the packets of an uplink go that has been down
 * for a while; -1: none is. Until then they are refused, so that an uplink that flickers keeps
 * its flows. */
int64_t steering_release_delay_ms(const struct steering *s);

/* Since when the rules label what leaves (ms of CLOCK_REALTIME), by whoever loaded
 * them; 0: not known, or not loaded. Flows that began earlier may lack evidence. */
int64_t steering_labels_since_ms(const struct steering *s);

/* The first connlabel bit that may be set in flows from before and meant something
 * else then; LABELS_TOTAL: none. Once they are cleared: what they mean from now on,
 * which is kept with the state when the steering is next applied or is being so. */
unsigned steering_labels_stale_from(const struct steering *s);
void steering_labels_keep(struct steering *s);

/* Why a packet with this uplink's mark may leave elsewhere: fib_diagnose with what
 * the kernel has now; object gets the rule or route that leads them there, or "". REASON_UNEXPLAINED also where it could not be asked. */
enum reason steering_diagnose(struct steering *s, const struct uplink_config *u,
			      const struct fib_query *q, char object[OBJECT_MAX]);

/* Whether our ruleset is in the kernel as it was loaded. */
bool steering_is_restoring(struct steering *s);

#endif
