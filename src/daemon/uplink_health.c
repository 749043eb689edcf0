/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_health.c - passes the ruleset's counters to the health detector. If the detector suspects
 * an uplink of being silent, passes the flows to the weigher (weigh.h). From the health and the
 * operators' orders, decides which uplinks are used, and passes these decisions to the steering.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check_program.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/steer.h"
#include "daemon/uplink_control.h"
#include "daemon/uplink_health.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/nft_counters.h"
#include "waymark/plan/ruleset.h"
#include "waymark/plan/uplink_state.h"
#include "waymark/steering/steering.h"

#define RECORD_EVERY_MS 60000
#define IPS_SEEN_REPLY	(1u << 1) /* linux/netfilter/nf_conntrack_common.h */
/* Maximum number of dump steps per tick. Between ticks the loop serves its other sources. */
#define DUMP_STEPS 40

struct uplink_health {
	struct health *health;
	struct decide *decide;
	struct nft_counters *counters;
	struct check_programs *checks;
	/* steady clock: times of the last sample and of the last routine records */
	int64_t sample_ms, record_ms;
	enum health_state published[UPLINKS_MAX];
	struct decision decisions[UPLINKS_MAX];
	/* time of the first failed check since the last passed one; 0: the last check passed, or no
	 * check has run */
	int64_t check_bad_ms[UPLINKS_MAX];

	struct conntrack_dump *dump; /* running dump of all flows, to weigh the suspect; or NULL */
	struct health_suspect suspect;
	struct weigher *weigher;
	uint64_t samples_failed, dumps, dumps_failed;
};

int uplink_health_open(struct daemon *d)
{
	struct uplink_health *h = calloc(1, sizeof(*h));

	d->uplink_health = h;
	if (!h)
		return -ENOMEM;
	h->health = health_new();
	h->decide = decide_new();
	h->checks = check_programs_new();
	if (!h->health || !h->decide || !h->checks)
		return -ENOMEM;
	h->counters = nft_counters_open();
	if (!h->counters) {
		log_err("cannot read the counters of the ruleset: %s", strerror(errno));
		return -errno;
	}
	uplink_health_decide(d, clock_now_ms());
	return 0;
}

static void dump_close(struct uplink_health *h)
{
	conntrack_dump_close(h->dump);
	h->dump = NULL;
	weigher_free(h->weigher);
	h->weigher = NULL;
}

void uplink_health_close(struct daemon *d)
{
	struct uplink_health *h = d->uplink_health;

	if (!h)
		return;
	dump_close(h);
	check_programs_free(h->checks);
	nft_counters_close(h->counters);
	decide_free(h->decide);
	health_free(h->health);
	free(h);
}

void uplink_health_forget(struct daemon *d, uint8_t slot)
{
	struct uplink_health *h = d->uplink_health;

	health_forget(h->health, slot);
	decide_forget(h->decide, slot);
	check_programs_forget(h->checks, slot);
	h->published[slot] = HEALTH_IDLE;
	h->check_bad_ms[slot] = 0;
}

/* --- counters -------------------------------------------------------------------------------- */

static bool is_wanted(const struct daemon *d)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++)
		if (d->config->uplinks[i].health.passive)
			return true;
	return false;
}

static void sample_take(struct daemon *d, int64_t now_ms)
{
	struct health_counters counters[UPLINKS_MAX] = {{0}};
	struct nft_counters_reading reading;

	if (nft_counters_read(d->uplink_health->counters, &reading)) {
		d->uplink_health->samples_failed++;
		return;
	}
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		const struct nft_counters_uplink *c = nft_counters_find(&reading, u->mark);

		if (!c)
			continue;
		counters[u->slot].is_known = true;
		memcpy(counters[u->slot].flows, c->flows, sizeof(c->flows));
	}
	health_sample(d->uplink_health->health, now_ms, counters);
}

/* --- the suspect's flows --------------------------------------------------------------------- */

static bool has_entered(const struct daemon *d, const struct ct_event *ev)
{
	unsigned bit = d->config->label_base + LABEL_ENTERED;

	return ev->has_labels && ev->labels.word[bit / 64] >> (bit % 64) & 1;
}

static void flow_take(struct daemon *d, const struct ct_event *ev)
{
	struct uplink_health *h = d->uplink_health;
	const struct endpoints *e = &ev->tuple[DIR_ORIGINAL];
	const struct uplink_config *u =
		config_uplink_by_mark(d->config, ev->mark & d->config->mark_mask);
	struct weighed_flow f = {
		.src = &e->src,
		.dst = &e->dst,
		.service = weigh_service(ev->proto, e->dport),
		.is_answered = ev->status & IPS_SEEN_REPLY,
		.started_ms = ev->start_ns / 1000000,
	};

	if (!u || has_entered(d, ev))
		return;
	if (u->slot != h->suspect.slot)
		weigher_take_elsewhere(h->weigher, &f);
	else if (h->suspect.families[e->src.family == AF_INET ? COUNTED_IPV4 : COUNTED_IPV6])
		weigher_take(h->weigher, &f);
}

static void flows_take(void *data, const struct ct_event *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		flow_take(data, &entries[i]);
}

static void dump_begin(struct daemon *d, int64_t now_ms)
{
	struct uplink_health *h = d->uplink_health;

	h->dumps++;
	h->weigher = weigher_new(now_ms, h->suspect.window_ms);
	h->dump = h->weigher ? conntrack_dump_open(d->conntrack) : NULL;
	if (h->dump)
		return;
	h->dumps_failed++;
	dump_close(h);
}

static void dump_end(struct daemon *d, int64_t now_ms)
{
	struct uplink_health *h = d->uplink_health;
	const struct uplink_config *u = config_uplink_by_slot(d->config, h->suspect.slot);
	struct weighing w;

	weigher_sum(h->weigher, &w);
	dump_close(h);
	log_info("uplink %s: %" PRIu32 " destinations reply, %" PRIu32 " no longer reply, %" PRIu32
		 " never replied; %" PRIu32
		 " hosts sent packets to those without a reply, and only to one port of %" PRIu32
		 " of them",
		 u ? u->name : "?", w.alive, w.lost, w.unknown, w.sources, w.service_dead);
	health_weighed(h->health, &h->suspect, &w, now_ms);
}

static void dump_tick(struct daemon *d, int64_t now_ms)
{
	struct uplink_health *h = d->uplink_health;
	int left = 1;

	if (!h->dump && health_suspect(h->health, &h->suspect))
		dump_begin(d, now_ms);
	for (int i = 0; h->dump && left > 0 && i < DUMP_STEPS; i++)
		left = conntrack_dump_step(h->dump, flows_take, d);
	if (!h->dump || left > 0)
		return;
	/* A dump that ends with -EINTR is inconsistent. Use it nevertheless: it has shown most
	 * flows, and the weigher does not need all of them. */
	if (!left || left == -EINTR) {
		dump_end(d, now_ms);
		return;
	}
	h->dumps_failed++;
	dump_close(h);
}

/* --- decisions ------------------------------------------------------------------------------- */

static bool is_usable(const struct daemon *d, const struct uplink_config *u)
{
	const struct uplink_plan *p = uplink_plan_find(steering_plan(d->steering), u->slot);

	return p && (p->trouble[0] == UPLINK_FINE || p->trouble[1] == UPLINK_FINE);
}

static enum uplink_decision decision_of(const struct decision *x)
{
	static const enum uplink_decision by_action[] = {
		[ACTION_NONE] = DECISION_NONE,
		[ACTION_DRAIN] = DECISION_DRAIN,
		[ACTION_DOWN] = DECISION_DOWN,
	};

	return by_action[x->action];
}

static void decision_report(const struct uplink_config *u, const struct decision *x,
			    bool is_operator)
{
	static const char *const words[] = {"used again", "drained", "down"};

	log_notice("uplink %s: %s, decided by %s", u->name, words[x->action],
		   is_operator ? "an operator" : "its health");
}

static void decision_apply(struct daemon *d, const struct uplink_config *u,
			   const struct decision *x, int64_t now_ms)
{
	struct decision *was = &d->uplink_health->decisions[u->slot];

	if (x->is_last && !was->is_last)
		log_warning("uplink %s fails but stays in use: no other uplink is usable", u->name);
	if (x->action != was->action) {
		decision_report(u, x, x->is_operator || was->is_operator);
		steering_set_decision(d->steering, u->slot, decision_of(x));
		steer_ask(d, now_ms);
	} else if (x->is_operator != was->is_operator) {
		steer_ask(d, now_ms); /* the next reconcile writes the new cause to the history */
	}
	if (x->is_retry)
		health_retry(d->uplink_health->health, u->slot, now_ms);
	*was = *x;
}

void uplink_health_decide(struct daemon *d, int64_t now_ms)
{
	struct decide_input inputs[UPLINKS_MAX] = {{0}};
	struct decision out[UPLINKS_MAX];
	struct health_view view;

	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];

		health_view(d->uplink_health->health, u->slot, &view);
		inputs[u->slot] = (struct decide_input){
			.config = &u->health,
			.operator_word = uplink_control_order(d, u->slot)->word,
			.is_usable = is_usable(d, u),
			.passive = view.state,
		};
	}
	decide_all(d->uplink_health->decide, inputs, now_ms, out);
	for (size_t i = 0; i < d->config->n_uplinks; i++)
		decision_apply(d, &d->config->uplinks[i], &out[d->config->uplinks[i].slot], now_ms);
}

static void check_done(struct daemon *d, uint8_t slot, bool is_good)
{
	const struct uplink_config *u = config_uplink_by_slot(d->config, slot);
	int before = decide_check_state(d->uplink_health->decide, slot), now;
	int64_t *bad_ms = &d->uplink_health->check_bad_ms[slot];

	if (is_good)
		*bad_ms = 0;
	else if (!*bad_ms)
		*bad_ms = clock_now_ms();
	decide_check_done(d->uplink_health->decide, slot, &u->health, is_good);
	now = decide_check_state(d->uplink_health->decide, slot);
	if (now != before && now == 0)
		log_warning("uplink %s: the health check failed %" PRIu32 " time%s", u->name,
			    u->health.down_after, u->health.down_after == 1 ? "" : "s");
	else if (now != before && before == 0)
		log_notice("uplink %s: the health check passes again", u->name);
}

/* --- reports --------------------------------------------------------------------------------- */

enum health_state uplink_health_state(const struct daemon *d, uint8_t slot)
{
	int check = decide_check_state(d->uplink_health->decide, slot);
	struct health_view view;

	health_view(d->uplink_health->health, slot, &view);
	if (check == 0)
		return HEALTH_SILENT;
	return check == 1 && view.state == HEALTH_IDLE ? HEALTH_HEALTHY : view.state;
}

void uplink_health_get(const struct daemon *d, uint8_t slot, struct uplink_health_view *out)
{
	health_view(d->uplink_health->health, slot, &out->passive);
	out->decision = d->uplink_health->decisions[slot];
	out->check = decide_check_state(d->uplink_health->decide, slot);
}

enum state_cause uplink_health_cause(const struct daemon *d, uint8_t slot, const char *state)
{
	const struct decision *x = &d->uplink_health->decisions[slot];

	if (x->is_operator)
		return CAUSE_OPERATOR;
	if (x->action != ACTION_NONE)
		return CAUSE_HEALTH;
	if (!strcmp(state, "no-address"))
		return CAUSE_ADDRESS;
	return strcmp(state, "no-gateway") ? CAUSE_LINK : CAUSE_GATEWAY;
}

void uplink_health_explain(const struct daemon *d, uint8_t slot, struct uplink_state_record *r)
{
	static const char *const words[] = {"", "drain", "down"};
	const struct decision *x = &d->uplink_health->decisions[slot];
	const struct uplink_order *o = uplink_control_order(d, slot);

	r->cause = uplink_health_cause(d, slot, r->state);
	snprintf(r->decision, sizeof(r->decision), "%s", words[x->action]);
	snprintf(r->user, sizeof(r->user), "%s", o->user);
	snprintf(r->process, sizeof(r->process), "%s", o->process);
	if (!x->is_operator)
		return;
	snprintf(r->decision, sizeof(r->decision), "%s", operator_word_name(o->word));
	r->until_ms = o->until_ms;
}

/* Write to `text` why the uplink is not healthy, for example "3 of 34 new flows of the last 30 s
 * got a reply". Write "" if the state is not bad. */
static void text_fill(const struct health_view *v, enum health_state state, int check, char *text,
		      size_t size)
{
	if (check == 0)
		snprintf(text, size, "the health check fails");
	else if (state >= HEALTH_DEGRADED)
		snprintf(text, size,
			 "%" PRIu64 " of %" PRIu64 " new flows of the last %u s got a reply",
			 v->flows.flows_answered, v->flows.flows_started, v->window_ms / 1000);
	else
		snprintf(text, size, "%s", "");
}

/* Return when the uplink's bad state began; 0: unknown, or the state is not bad. */
static int64_t began_of(const struct daemon *d, uint8_t slot, const struct health_view *v)
{
	bool is_check_bad = decide_check_state(d->uplink_health->decide, slot) == 0;

	if (is_check_bad && v->state != HEALTH_SILENT)
		return d->uplink_health->check_bad_ms[slot];
	return v->state >= HEALTH_DEGRADED ? v->fault_ms : 0;
}

static void record_publish(struct daemon *d, const struct uplink_config *u, enum health_state state)
{
	struct record r = {.type = RECORD_HEALTH};
	struct health_view v;
	int check = decide_check_state(d->uplink_health->decide, u->slot);

	health_view(d->uplink_health->health, u->slot, &v);
	r.health = (struct health_record){
		.time_ms = clock_now_ms(),
		.slot = u->slot,
		.window_ms = v.window_ms,
		.flows = v.flows,
		.normal_permille = v.normal_permille,
		.others_permille = v.others_permille,
		.began_ms = began_of(d, u->slot, &v),
		.probes = check < 0 ? -1 : 1,
		.probes_answered = check,
	};
	snprintf(r.health.state, sizeof(r.health.state), "%s", health_state_name(state));
	text_fill(&v, state, check, r.health.text, sizeof(r.health.text));
	publish_record(d, &r);
}

static void alert_raise(struct daemon *d, const struct uplink_config *u, enum health_state state)
{
	struct alert a = {
		.kind = ALERT_HEALTH,
		.state = state >= HEALTH_DEGRADED ? ALERT_RAISED : ALERT_OVER,
		.time_ms = clock_now_ms(),
		.reason = health_state_name(state),
		.evidence = "",
		.direction = -1,
		.mark = u->mark,
		.count = 1,
	};
	struct health_view v;
	char why[96];

	health_view(d->uplink_health->health, u->slot, &v);
	text_fill(&v, state, decide_check_state(d->uplink_health->decide, u->slot), why,
		  sizeof(why));
	snprintf(a.uplink, sizeof(a.uplink), "%s", u->name);
	snprintf(a.expected, sizeof(a.expected), "%s", u->name);
	snprintf(a.egress, sizeof(a.egress), "%s", u->ifname);
	snprintf(a.text, sizeof(a.text), "uplink %s (%s) is %s%s%s", u->name, u->ifname,
		 health_state_name(state), why[0] ? ": " : "", why);
	if (state >= HEALTH_DEGRADED)
		log_warning("%s", a.text);
	else
		log_notice("%s", a.text);
	publish_raise(d, &a);
}

static void states_publish(struct daemon *d, bool is_routine)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		enum health_state *was = &d->uplink_health->published[u->slot];
		enum health_state now = uplink_health_state(d, u->slot);

		if (now != *was || (is_routine && (u->health.passive || u->health.exec)))
			record_publish(d, u, now);
		if (now != *was && (now >= HEALTH_DEGRADED || *was >= HEALTH_DEGRADED))
			alert_raise(d, u, now);
		*was = now;
	}
}

static void checks_tick(struct daemon *d, int64_t steady_ms)
{
	int8_t results[UPLINKS_MAX];

	for (uint8_t slot = 0; slot < UPLINKS_MAX; slot++)
		results[slot] = (int8_t)decide_check_state(d->uplink_health->decide, slot);
	check_programs_tick(d->uplink_health->checks, d, results, steady_ms);
}

void uplink_health_tick(struct daemon *d, int64_t now_ms)
{
	struct uplink_health *h = d->uplink_health;
	int64_t steady_ms = clock_steady_ms();
	bool is_routine = steady_ms - h->record_ms >= RECORD_EVERY_MS;

	if (is_wanted(d)) {
		if (steady_ms - h->sample_ms >= HEALTH_SAMPLE_MS) {
			h->sample_ms = steady_ms - h->sample_ms < 2 * HEALTH_SAMPLE_MS
					       ? h->sample_ms + HEALTH_SAMPLE_MS
					       : steady_ms;
			sample_take(d, now_ms);
		}
		dump_tick(d, now_ms);
	}
	checks_tick(d, steady_ms);
	uplink_health_decide(d, now_ms);
	states_publish(d, is_routine);
	if (is_routine)
		h->record_ms = steady_ms;
}

void uplink_health_checked(struct daemon *d, int64_t number, const char *result)
{
	if (d->uplink_health)
		check_programs_take(d->uplink_health->checks, d, number, result, check_done);
}
