/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_internal.h - struct steering and struct run, which the steering's files share. A run is
 * a series of changes, each of which is reported. If a change of an atomic run fails, all changes
 * of the run are undone.
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
	bool is_minimal;       /* variant of the ruleset: see ruleset_render() */
	bool are_events_known; /* waymarkd has chosen is_minimal */
	unsigned patience_ms;  /* maximum wait for the lock (steering_lock.h) */
	struct rtnl *rtnl;
	struct nft *nft;
	struct learnt_gateways learnt;
	struct uplink_decisions decisions;
	/* CLOCK_MONOTONIC time at which the trouble of an uplink began, by slot and family; 0: it
	 * began before the first snapshot; -1: the uplink is not in trouble */
	int64_t trouble_since_ms[UPLINKS_MAX][2];
	struct netstate *netstate;
	struct route_plan *plan;
	struct route_plan *former; /* the last plan before `plan` that was fully applied; or NULL */
	bool is_settled;	   /* `plan` has been fully applied */
	uint32_t sysctls_left;	   /* see steering_sysctls_left() */
	char *listing;		   /* nft's listing, made immediately after the load; or NULL */
	bool can_protect;	   /* the kernel supports owned tables, and protect-table is set */
	steering_judge_fn *judge;  /* can forbid changes; NULL: all are allowed */
	void *judge_data;
	struct steering_state *state;
	bool is_unsaved; /* the state could not be written to its file and is newer than the file */
	steering_midway_fn *midway;
	void *midway_data;
	steering_load_fn *load;
	void *load_data;
	steering_save_fn *save; /* NULL: write the file directly */
	void *save_data;
	steering_change_fn *change; /* reports changes of apply and remove; or NULL */
	void *change_data;
	bool is_holding;   /* steering_apply_held() is in progress: keep its undo records */
	struct undo *held; /* undo records of the last steering_apply_held() */
	size_t n_held;
	char *held_state; /* text of the state before that apply */
};

/* --- run: steering_run.c ----------------------------------------------------------- */

struct undo;

struct run {
	struct steering *s;
	bool is_atomic;		/* the first failure ends the run and undoes everything */
	steering_change_fn *fn; /* reports each change; or NULL */
	void *data;
	FILE *errors;	  /* NULL: print nothing */
	size_t former_at; /* index of the route that former_find() found last */
	int n_changed;
	int error; /* the -errno of the first failure */
	struct undo *undos;
	size_t n_undos;
};

/* Return whether the run continues. An atomic run ends at its first failure. */
bool run_goes_on(const struct run *run);
/* run_may() returns whether a change is allowed. An atomic run can make every change. In a run that
 * is not atomic, the judge decides (steering_set_judge()). run_done() counts and reports a change
 * that was made. */
bool run_may(const struct run *run, const struct steering_change *change);
void run_done(struct run *run, const struct steering_change *change);
/* Count and report a change for which run_may() is not called. is_missing: see struct
 * steering_change. */
__attribute__((format(printf, 3, 4))) void run_changed(struct run *run, bool is_missing,
						       const char *format, ...);
/* Record a failure and print "what: why; what to do". `todo` can be NULL. */
__attribute__((format(printf, 4, 5))) void run_failed(struct run *run, int err, const char *todo,
						      const char *format, ...);

/* Save the state to its file. Return 0 or -errno. If several saves in a row fail, only the first
 * failure is printed. A run that is not atomic continues without the file, because routes and rules
 * are more important: the result is then always 0. */
int run_keep(struct run *run);

/* Record how to undo a change, if the run is atomic. Call the function before the change. If the
 * change fails, call undo_drop(). `is_added`: the change adds the route or rule; otherwise the
 * change replaces or deletes it. Return 0 or -ENOMEM. */
int undo_sysctl(struct run *run, const char *name, const char *former);
int undo_route(struct run *run, const struct route_state *former, bool is_added);
int undo_rule(struct run *run, const struct rule_state *rule, bool is_added);
int undo_group(struct run *run, uint32_t ifindex, uint32_t former);
int undo_ruleset(struct run *run, const char *former); /* NULL: no table existed */
/* undo_drop() discards the last record. run_undo() undoes all recorded changes in reverse order,
 * and discards the records. run_clear() discards all records. */
void undo_drop(struct run *run);
void run_undo(struct run *run);
void run_clear(struct run *run);

/* --- parts ------------------------------------------------------------------------------ */

/* steering_routes.c: d is the difference between the kernel and the plan. Each of these functions
 * makes the changes of one kind. `is_balance`: change only the routes that spread new flows;
 * otherwise change only the other routes. */
void routes_add(struct run *run, const struct route_diff *d, bool is_balance);
void routes_remove(struct run *run, const struct route_diff *d, bool is_balance);
void rules_add(struct run *run, const struct route_diff *d);
void rules_remove(struct run *run, const struct route_diff *d);
/* Restore the foreign routes that we displaced. If `wanted` is NULL (removal), restore all routes,
 * but forget a route whose interface is down or gone. Otherwise restore only the routes whose place
 * has no route in `wanted`. A route that is neither restored nor forgotten stays in the state. */
void routes_restore(struct run *run, const struct netstate *wanted);
/* Return whether the former plan (former in struct steering) has a route at this place. */
bool route_was_ours(struct run *run, const struct route_state *place);

/* steering_links.c. groups_set() sets the groups of the uplinks' interfaces as planned.
 * groups_reset() moves all interfaces of our group to the default group. */
void groups_set(struct run *run);
void groups_reset(struct run *run);

/* steering_sysctl.c. sysctls_set() sets the planned sysctls. Each run calls it twice, because some
 * sysctls do not exist at first, and prints failures only at the second call (`is_last_word`).
 * sysctl_is_due() returns whether the current value `now` must be changed. */
void sysctls_set(struct run *run, bool is_last_word);
void sysctls_restore(struct run *run);
void sysctls_print(const struct config *c, FILE *out);
struct sysctl_want;
bool sysctl_is_due(const struct sysctl_want *w, const char *now);

/* steering_ruleset.c */
void ruleset_load(struct run *run);
void ruleset_remove(struct run *run);
/* Return whether table inet waymark in the kernel is unchanged since it was loaded. */
bool ruleset_is_loaded(struct steering *s);

/* steering_protect.c. protection_is_due() returns whether the table must be loaded again to become
 * protected or unprotected. If the process that owned the table has ended, the function adopts the
 * table and returns false. `is_there`: the table exists. protection_load() loads `text` in place of
 * the existing table, whose listing is `former` (NULL: no table exists). It returns 0 or -errno. */
bool protection_is_due(struct steering *s, bool is_there);
int protection_load(struct steering *s, const char *text, const char *former);
/* Replace the owned table by the same table without an owner. Return 0 or -errno; -EALREADY: this
 * process does not own the table. */
int protection_release(struct steering *s, const char *text);

/* steering_look.c: store a new snapshot and a new plan in s. Return 0 or -errno. */
int steering_look(struct steering *s);
/* Read the state file into s, and take the saved gateways of uplinks for which none is learnt.
 * Return 0 or -errno. */
int steering_recall(struct steering *s);
/* steering_release.c: update which uplinks are released (down for so long that their flows can use
 * another uplink). Return true if an uplink was released or is no longer released; the caller must
 * then plan again. */
bool releases_update(struct steering *s, const struct route_plan *plan);

/* Copy the learnt gateways to the state. Return 0 or -ENOMEM. */
int steering_remember(struct steering *s);
int steering_save(struct steering *s);	 /* write the state to its file */
int steering_forget(struct steering *s); /* delete the file, after any save in progress */

#endif
