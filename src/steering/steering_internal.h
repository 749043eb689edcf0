/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_internal.h - what the files of the steering share: the object, and a
 * run, which is one series of changes that is reported, and undone where it must
 * be whole.
 */
#ifndef WAYMARK_SRC_STEERING_STEERING_INTERNAL_H
#define WAYMARK_SRC_STEERING_STEERING_INTERNAL_H

#include "steering/steering_state.h"
#include "waymark/kernel/nft.h"
#include "waymark/plan/route_plan.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/steering/steering.h"

struct steering {
	const struct config *config;
	bool is_minimal;
	bool are_events_known; /* a daemon has chosen */
	unsigned patience_ms;  /* for the lock */
	struct rtnl *rtnl;
	struct nft *nft;
	struct learnt_gateways learnt;
	struct uplink_decisions decisions;
	int64_t trouble_since_ms[UPLINKS_MAX][2]; /* CLOCK_MONOTONIC; by slot and family; 0:
						   * from before the first look; -1: fine */
	struct netstate *netstate;
	struct route_plan *plan;
	struct route_plan *former; /* the last plan that was brought about; or NULL */
	bool is_settled;	   /* plan has been brought about */
	uint32_t sysctls_left;	   /* not as wanted: steering_sysctls_left */
	char *listing;		   /* of the ruleset as it was loaded, or NULL */
	bool can_protect;	   /* and is asked to (protect-table) */
	steering_judge_fn *judge;
	void *judge_data;
	struct steering_state *state;
	bool is_unsaved; /* the state is newer than its file, which cannot be written */
	steering_midway_fn *midway;
	void *midway_data;
	steering_load_fn *load;
	void *load_data;
	steering_save_fn *save; /* NULL: the file is written here and now */
	void *save_data;
	steering_change_fn *change; /* of an apply or remove; or NULL */
	void *change_data;
	bool is_holding; /* the next apply keeps how to undo it */
	struct undo *held;
	size_t n_held;
	char *held_state; /* the state before that apply, as text */
};

/* --- run: steering_run.c ----------------------------------------------------------- */

struct undo;

struct run {
	struct steering *s;
	bool is_atomic; /* the first failure ends it and everything is undone */
	steering_change_fn *fn;
	void *data;
	FILE *errors;	  /* NULL: say nothing */
	size_t former_at; /* where in the former plan the last route was found */
	int n_changed;
	int error; /* the first failure, -errno */
	struct undo *undos;
	size_t n_undos;
};

/* Whether the next step is to be done. */
bool run_goes_on(const struct run *run);
/* Whether a change is allowed; and report that it was made. */
bool run_may(const struct run *run, const struct steering_change *change);
void run_done(struct run *run, const struct steering_change *change);
/* Counts a change that needs no permission, and reports it. */
__attribute__((format(printf, 3, 4))) void run_changed(struct run *run, bool is_missing,
						       const char *format, ...);
/* Notes a failure and says "what: why; what to do" (todo may be NULL). */
__attribute__((format(printf, 4, 5))) void run_failed(struct run *run, int err, const char *todo,
						      const char *format, ...);

/* Save the state. 0 or -errno. If run is not is_atomic, a failure is reported once and 0 is
 * returned: what packets need comes first. */
int run_keep(struct run *run);

/* Record how to undo the change that follows or was just made; only if run is is_atomic. */
/* Each before its change; a change that failed takes it back by undo_drop. */
int undo_sysctl(struct run *run, const char *name, const char *former);
int undo_route(struct run *run, const struct route_state *former, bool is_added);
int undo_rule(struct run *run, const struct rule_state *rule, bool is_added);
int undo_group(struct run *run, uint32_t ifindex, uint32_t former);
int undo_ruleset(struct run *run, const char *former); /* NULL: there was none */
/* Undo all recorded changes in reverse order, and forget them. */
void undo_drop(struct run *run);
void run_undo(struct run *run);
void run_clear(struct run *run);

/* --- parts ------------------------------------------------------------------------------ */

/* steering_routes.c: each takes its part of the difference to the plan. */
void routes_add(struct run *run, const struct route_diff *d, bool is_balance);
void routes_remove(struct run *run, const struct route_diff *d, bool is_balance);
void rules_add(struct run *run, const struct route_diff *d);
void rules_remove(struct run *run, const struct route_diff *d);
/* Restores the displaced foreign routes (all, or those whose place the plan no
 * longer wants); what cannot be restored now is kept in the state. */
void routes_restore(struct run *run, const struct netstate *wanted);
/* Whether the former plan had a route of ours in this place. */
bool route_was_ours(struct run *run, const struct route_state *place);

/* steering_links.c: the groups of the uplinks' interfaces, as planned and as found. */
void groups_set(struct run *run);
void groups_reset(struct run *run);

/* steering_sysctl.c */
void sysctls_set(struct run *run, bool is_last_word);
void sysctls_restore(struct run *run);
void sysctls_print(const struct config *c, FILE *out);
struct sysctl_want;
bool sysctl_is_due(const struct sysctl_want *w, const char *now);

/* steering_ruleset.c */
void ruleset_load(struct run *run);
void ruleset_remove(struct run *run);
/* Whether the table is there as it was loaded. */
bool ruleset_is_loaded(struct steering *s);

/* steering_protect.c: whether the table must be made anew to be protected, or no longer to be
 * so; and its loading in place of what is there (former: its listing, or NULL). */
bool protection_is_due(struct steering *s, bool is_there);
int protection_load(struct steering *s, const char *text, const char *former);
/* The same as a table without an owner; -EALREADY: it has none. */
int protection_release(struct steering *s, const char *text);

/* steering_look.c: fresh snapshot and plan into s. 0 or -errno. */
int steering_look(struct steering *s);
/* Reads the state file into s, and from it the gateways. 0 or -errno. */
int steering_recall(struct steering *s);
/* steering_release.c: which uplinks are down for good, by this plan. True where
 * that has changed, so that another plan is due. */
bool releases_update(struct steering *s, const struct route_plan *plan);

/* Notes the learnt gateways in the state. 0 or -ENOMEM. */
int steering_remember(struct steering *s);
int steering_save(struct steering *s);	 /* the state, to its file */
int steering_forget(struct steering *s); /* delete the file, after what is being saved */

#endif
