/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper.c - detects changes of the steering and of the evidence rules by other processes. It
 * reports each change, and decides whether a reconcile repairs it.
 *
 * A kernel notice only raises a suspicion. After a quiet time the state is compared with the result
 * of the last reconcile. If the state is correct again, as after 'waymark apply', no process has
 * tampered. If a route vanishes with its interface, the kernel has removed it. This is not
 * tampering either. Must not know how things are repaired.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/open_gap.h"
#include "daemon/publish.h"
#include "daemon/resync.h"
#include "daemon/steer.h"
#include "daemon/tamper.h"
#include "daemon/tamper_objects.h"
#include "daemon/tamper_suspects.h"
#include "waymark/audit/audit.h"
#include "waymark/kernel/nft.h"
#include "waymark/kernel/transaction.h"

/* Quiet time: the delay from the first notice to the repair. Firewalls and network managers delete
 * and add objects in bursts, so wait until a burst is over. During this time stray packets can also
 * show the effect on flows. Detection and repair together must take less than a second. */
#define QUIET_MS 500

/* How often to read the sysctls for whose changes the kernel sends no notice. If a value is wrong,
 * the quiet time begins at the previous read: the value was changed after it. */
#define SYSCTLS_MS   400

#define LINES_A_PASS 20

struct tamper {
	struct nft_monitor *rules;
	struct traces *traces;
	struct things *things;
	int64_t since_ms; /* time of the first suspicion that no pass has examined; 0: none */
	bool is_blind;	  /* notices were lost since the last pass */

	/* state of a pass */
	bool is_ripe; /* repairs are due: the quiet time has passed, or a postponed repair is due */
	unsigned lines; /* number of reports; at most LINES_A_PASS are logged */

	/* the ruleset: which process changed it, and the gap in the evidence */
	struct who ruleset_who;
	int64_t ruleset_since_ms; /* time of the first notice of a change; 0: not changed */
	bool is_ruleset_cut;	  /* the change removed something */
	struct open_gap gap;
	char gap_reason[96];

	int64_t sysctls_read_ms;
};

/* --- suspicion -------------------------------------------------------------------- */

static void suspect(struct tamper *t, int64_t since_ms)
{
	if (!t->since_ms)
		t->since_ms = since_ms;
}

static bool table_is_ours(const struct config *c, uint32_t table)
{
	if (c->balance == BALANCE_TABLE && table == c->balance_table)
		return true;
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].table == table)
			return true;
	return false;
}

/* Return whether a route has our protocol number, or is at the place of a planned route
 * (route_is_same_place()). A routing daemon (BGP) can change thousands of other routes, so dismiss
 * most of these without a search of the plan. */
static bool route_concerns(const struct daemon *d, const struct route_state *r)
{
	if (r->protocol == ROUTE_PROTOCOL_WAYMARK)
		return true;
	if (r->table == RT_TABLE_MAIN ? r->dst.len : !table_is_ours(d->config, r->table))
		return false;
	return steering_wants_place(d->steering, r);
}

static bool notice_concerns(const struct daemon *d, const struct rtnl_notice *n)
{
	if (n->what == RTNL_RULE)
		return n->rule.protocol == ROUTE_PROTOCOL_WAYMARK;
	return n->what == RTNL_ROUTE && route_concerns(d, &n->route);
}

static void trace_add(struct tamper *t, const struct rtnl_notice *n, const struct who *w)
{
	if (n->what == RTNL_RULE)
		tamper_suspects_add_rule(t->traces, &n->rule, w);
	else
		tamper_suspects_add_route(t->traces, &n->route, w);
}

bool tamper_notice(struct daemon *d, const struct rtnl_notice *n)
{
	struct tamper *t = d->tamper;
	struct who who;

	if (n->pid && n->pid == steering_port(d->steering))
		return true;
	if (n->what == RTNL_LINK || n->what == RTNL_ADDR)
		tamper_suspects_add_link(t->traces, n->ifindex);
	if (n->what == RTNL_LINK)
		tamper_objects_note_link(t->things, clock_now_ms());
	if (n->what == RTNL_RP_FILTER)
		suspect(t, clock_now_ms());
	if (!notice_concerns(d, n))
		return n->what == RTNL_RP_FILTER;
	who_of_port(&who, n->pid);
	trace_add(t, n, &who);
	if (who.is_kernel)
		return false;
	suspect(t, clock_now_ms());
	return true;
}

void tamper_lost(struct daemon *d)
{
	d->tamper->is_blind = true;
	suspect(d->tamper, clock_now_ms());
}

/* --- the ruleset ------------------------------------------------------------------- */

static const char *who_format(const struct who *w, char *buf, size_t size)
{
	if (!w || (!w->pid && !*w->process))
		snprintf(buf, size, "an unknown process");
	else if (!w->pid)
		snprintf(buf, size, "%s", w->process);
	else if (!*w->process)
		snprintf(buf, size, "another process (pid %" PRId64 " in its namespace)", w->pid);
	else
		snprintf(buf, size, "%s (pid %" PRId64 ")", w->process, w->pid);
	return buf;
}

/* Begin a gap in the evidence. Do so as soon as the change is noticed, so that the gap covers flows
 * that end before the repair. */
static void gap_begin(struct daemon *d)
{
	struct tamper *t = d->tamper;
	char who[64];

	if (t->gap.id)
		return;
	snprintf(t->gap_reason, sizeof(t->gap_reason), "the evidence rules were removed by %s",
		 who_format(&t->ruleset_who, who, sizeof(who)));
	t->gap.started_ms = t->ruleset_since_ms ? t->ruleset_since_ms : t->since_ms;
	t->gap.id = audit_gap(d->audit, GAP_EVIDENCE, t->gap.started_ms, 0, -1, t->gap_reason);
	audit_gap_set_blind(d->audit, t->gap.id);
}

static void gap_end(struct daemon *d)
{
	struct tamper *t = d->tamper;

	if (!t->gap.id)
		return;
	audit_gap_end(d->audit, t->gap.id, GAP_EVIDENCE, t->gap.started_ms, clock_now_ms(), -1,
		      t->gap_reason);
	t->gap.id = 0;
	/* A dump shows which flows sent packets during the gap. */
	resync_look(d, clock_now_ms());
}

static void mark_writer_take(struct daemon *d, const struct nft_notice *n)
{
	struct who who;

	if (!*n->mark_writer)
		return;
	who_of_generation(&who, n->pid, n->process);
	publish_note_mark_writer(d, &who, n->mark_writer);
}

static bool is_own(int64_t pid)
{
	return pid == getpid() || transaction_is_child((pid_t)pid);
}

/* If several processes changed the ruleset, blame the first that removed something or, if none did,
 * the first that changed something. */
static void take_ruleset_notice(void *data, const struct nft_notice *n)
{
	struct daemon *d = data;
	struct tamper *t = d->tamper;

	mark_writer_take(d, n);
	if (!n->touches_waymark || is_own(n->pid))
		return;
	suspect(t, clock_now_ms());
	if (!t->ruleset_since_ms || (n->deletes_waymark && !t->is_ruleset_cut)) {
		who_of_generation(&t->ruleset_who, n->pid, n->process);
		t->is_ruleset_cut = n->deletes_waymark;
	}
	if (!t->ruleset_since_ms)
		t->ruleset_since_ms = clock_now_ms();
	if (n->deletes_waymark && !t->gap.id && !steering_has_ruleset(d->steering))
		gap_begin(d);
}

int tamper_fd(const struct daemon *d)
{
	return nft_monitor_fd(d->tamper->rules);
}

bool tamper_read(struct daemon *d)
{
	bool was_there = !d->tamper->gap.id;

	if (nft_monitor_receive(d->tamper->rules, take_ruleset_notice, d) == -ENOBUFS)
		tamper_lost(d);
	return was_there && d->tamper->gap.id;
}

/* --- judgement --------------------------------------------------------------------- */

static const struct who *who_did(const struct tamper *t, const struct steering_change *c)
{
	switch (c->thing) {
	case STEERING_ROUTE:
		return tamper_suspects_of_route(t->traces, c->route);
	case STEERING_RULE:
		return tamper_suspects_of_rule(t->traces, c->rule);
	case STEERING_RULESET:
		return t->ruleset_since_ms ? &t->ruleset_who : NULL;
	default:
		return NULL;
	}
}

/* Return whether this change repairs what another process did. A route that the kernel deleted
 * because its interface changed is not tampering. For such a deletion the kernel does not always
 * send a notice of the route, but it sends one of the interface. */
static bool is_tampering(const struct tamper *t, const struct steering_change *c)
{
	const struct who *who = who_did(t, c);

	if (!c->is_undone)
		return false;
	if (c->thing != STEERING_ROUTE)
		return true;
	if (who)
		return !who->is_kernel;
	return !t->is_blind && !tamper_suspects_has_link_of(t->traces, c->route);
}

static const char *thing_name(enum steering_thing thing)
{
	static const char *const names[] = {
		[STEERING_RULESET] = "ruleset",
		[STEERING_RULE] = "rule",
		[STEERING_ROUTE] = "route",
		[STEERING_SYSCTL] = "sysctl",
	};

	return names[thing];
}

static void record_fill(struct tampering_record *r, const struct steering_change *c,
			const struct who *who, const char *action)
{
	const char *detail = c->is_missing ? c->detail : "not in the configuration";

	*r = (struct tampering_record){.time_ms = clock_now_ms()};
	snprintf(r->what, sizeof(r->what), "%s", c->what);
	if (*detail) {
		size_t used = strlen(r->what);

		snprintf(r->what + used, sizeof(r->what) - used, ": %s", detail);
	}
	snprintf(r->action, sizeof(r->action), "%s", action);
	if (!who)
		return;
	r->pid = who->pid;
	memcpy(r->process, who->process, sizeof(r->process));
}

static uint8_t change_family(const struct steering_change *c)
{
	if (c->thing == STEERING_ROUTE && c->route)
		return c->route->family;
	return c->thing == STEERING_RULE && c->rule ? c->rule->family : 0;
}

static void tell(struct daemon *d, const struct steering_change *c, const char *action,
		 const char *consequence)
{
	struct tamper *t = d->tamper;
	const struct who *who = who_did(t, c);
	struct tampering_record r;
	char by[64], text[256];

	record_fill(&r, c, who, action);
	snprintf(text, sizeof(text), "tampering by %s: %.150s%s", who_format(who, by, sizeof(by)),
		 r.what, consequence);
	publish_tampering(d, &r, thing_name(c->thing), change_family(c), text);
	if (++t->lines <= LINES_A_PASS)
		log_line(strcmp(action, "gave-up") ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERR, "%s", text);
}

static bool judge(void *data, const struct steering_change *c)
{
	struct daemon *d = data;
	struct tamper *t = d->tamper;
	bool is_restored = false;

	if (!is_tampering(t, c))
		return true;
	if (!t->is_ripe) {
		suspect(t, clock_now_ms());
		return false;
	}
	switch (tamper_objects_ask(t->things, c->what, d->config->repair)) {
	case THING_RESTORE:
		is_restored = true;
		break;
	case THING_NOTICE:
		tell(d, c, "noticed", "; not repaired (repair = false)");
		break;
	case THING_GIVE_UP:
		tell(d, c, "gave-up",
		     "; waymarkd gave up: each of the last 8 repairs was undone within two "
		     "seconds");
		break;
	case THING_WAIT:
	case THING_LEAVE:
		break;
	}
	if (c->thing == STEERING_RULESET && c->is_blinding)
		gap_begin(d);
	return is_restored;
}

bool tamper_done(struct daemon *d, const struct steering_change *c)
{
	if (!is_tampering(d->tamper, c))
		return false;
	tell(d, c, "restored", "; repaired");
	return true;
}

/* --- passes ------------------------------------------------------------------------ */

void tamper_begin(struct daemon *d, int64_t now_ms)
{
	struct tamper *t = d->tamper;

	/* If the clock was set back, the quiet time counts as passed. */
	t->is_ripe = t->since_ms && (now_ms - t->since_ms >= QUIET_MS || now_ms < t->since_ms);
	t->is_ripe |= clock_is_due(tamper_objects_next_ms(t->things), now_ms, THING_REST_MS);
	t->lines = 0;
	tamper_objects_begin(t->things, now_ms);
}

static void settle(struct tamper *t)
{
	/* Keep the suspects while an object waits for its repair, because the report of the repair
	 * names the process that changed the object. */
	if (!tamper_objects_is_waiting(t->things)) {
		tamper_suspects_clear(t->traces);
		t->ruleset_since_ms = 0;
		t->is_ruleset_cut = false;
	}
	t->since_ms = 0;
	t->is_blind = false;
}

/* End a pass. After a failure keep the suspicion and the suspects for the next attempt. */
void tamper_end(struct daemon *d, int err)
{
	struct tamper *t = d->tamper;
	bool is_ripe = t->is_ripe;

	t->is_ripe = false;

	if (t->lines > LINES_A_PASS)
		log_notice("tampering: %u more changes ('waymark tampering' lists all)",
			   t->lines - LINES_A_PASS);
	if (t->gap.id && steering_has_ruleset(d->steering))
		gap_end(d);
	if (err < 0)
		return;
	if (is_ripe) {
		tamper_objects_end(t->things);
		t->sysctls_read_ms = clock_now_ms();
	}
	if (is_ripe || !t->since_ms)
		settle(t);
}

static void sysctls_look(struct daemon *d, int64_t now_ms)
{
	struct tamper *t = d->tamper;

	if (t->since_ms ||
	    (now_ms - t->sysctls_read_ms < SYSCTLS_MS && now_ms >= t->sysctls_read_ms))
		return;
	if (steering_sysctls_astray(d->steering) != steering_sysctls_left(d->steering))
		suspect(t, t->sysctls_read_ms);
	t->sysctls_read_ms = now_ms;
}

bool tamper_is_due(struct daemon *d, int64_t now_ms)
{
	struct tamper *t = d->tamper;

	sysctls_look(d, now_ms);
	if (t->since_ms && (now_ms - t->since_ms >= QUIET_MS || now_ms < t->since_ms))
		return true;
	return clock_is_due(tamper_objects_next_ms(t->things), now_ms, THING_REST_MS);
}

bool tamper_ripen(struct daemon *d)
{
	struct tamper *t = d->tamper;

	if (t->since_ms)
		t->since_ms -= QUIET_MS;
	return t->since_ms != 0;
}

void tamper_pause(struct daemon *d)
{
	struct tamper *t = d->tamper;

	tamper_objects_forget(t->things);
	settle(t);
	t->ruleset_who = (struct who){.process = "waymark remove"};
	t->ruleset_since_ms = clock_now_ms();
	gap_begin(d);
}

void tamper_forget(struct daemon *d)
{
	struct tamper *t = d->tamper;

	tamper_objects_forget(t->things);
	settle(t);
	gap_end(d);
	t->sysctls_read_ms = clock_now_ms();
}

/* --- start and stop ------------------------------------------------------------------ */

int tamper_open(struct daemon *d)
{
	struct tamper *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	d->tamper = t;
	t->traces = tamper_suspects_new();
	t->things = tamper_objects_new();
	if (!t->traces || !t->things)
		return -ENOMEM;
	d->tamper->rules = nft_monitor_open();
	if (!d->tamper->rules) {
		log_err("cannot subscribe to changes of the ruleset: %s", strerror(errno));
		return -errno;
	}
	steering_set_judge(d->steering, judge, d);
	return 0;
}

int tamper_start(struct daemon *d)
{
	d->tamper->sysctls_read_ms = clock_now_ms();
	return 0;
}

/* End the open gap, if there is one. The time without waymarkd gets a gap of its own at the next
 * start, because nothing monitors the ruleset until then. */
void tamper_stop(struct daemon *d)
{
	gap_end(d);
}

void tamper_close(struct daemon *d)
{
	if (!d->tamper)
		return;
	nft_monitor_close(d->tamper->rules);
	tamper_objects_free(d->tamper->things);
	tamper_suspects_free(d->tamper->traces);
	free(d->tamper);
}
