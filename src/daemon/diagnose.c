/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diagnose.c - finds out from the kernel why a packet strayed, on behalf of the audit, which must
 * not know the kernel.
 *
 * Each question to the kernel costs a dump of the rules and routes, or a listing of the ruleset. To
 * limit the cost, a mismatch gets the latest answer for the same uplink, family and kind of packets
 * if this answer is at most a moment (MOMENT_MS) old and QUESTIONS_A_MOMENT questions were already
 * asked in the current moment. On a busy machine answers take longer. A moment then lasts ten times
 * as long as its answers took (at most MOMENT_MOST_MS).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/diagnose.h"
#include "daemon/uplink_states.h"
#include "waymark/kernel/ifnames.h"
#include "waymark/plan/drain.h"
#include "waymark/steering/steering.h"

/* Kinds of packets. Rules can route packets that this host sends itself differently from packets
 * that it forwards. */
enum { SENT_BY_HOST, FORWARDED, KINDS };

/* The latest answer for an uplink, a family and a kind of packets: the packet that was asked about
 * (`dst` to `mark`), the reason why it strayed, and the rule or route that caused it. */
struct diagnosis {
	int64_t time_ms;  /* when the answer was complete; 0: no answer yet */
	int64_t spent_ms; /* how long the answer took */
	struct addr dst;
	uint8_t proto;
	uint16_t sport, dport;
	uint32_t mark;
	enum reason reason;
	char object[OBJECT_MAX];
};

struct diagnose {
	struct diagnosis routing[UPLINKS_MAX][2][KINDS], restoring;
	/* the current moment: when it began, how long its answers took in total, and how many
	 * questions were asked in it */
	int64_t since_ms, spent_ms;
	unsigned n;
};

int diagnose_open(struct daemon *d)
{
	d->diagnose = calloc(1, sizeof(*d->diagnose));
	return d->diagnose ? 0 : -ENOMEM;
}

void diagnose_close(struct daemon *d)
{
	free(d->diagnose);
}

#define MOMENT_MS	   100
#define MOMENT_MOST_MS	   5000
#define MOMENT_SPENT	   10
#define QUESTIONS_A_MOMENT 8

static bool is_of_now(int64_t then_ms, int64_t spent_ms, int64_t now_ms)
{
	int64_t moment_ms = spent_ms * MOMENT_SPENT;

	if (moment_ms < MOMENT_MS)
		moment_ms = MOMENT_MS;
	if (moment_ms > MOMENT_MOST_MS)
		moment_ms = MOMENT_MOST_MS;
	return then_ms && then_ms <= now_ms && now_ms - then_ms <= moment_ms;
}

static bool may_ask(struct daemon *d, int64_t now_ms)
{
	struct diagnose *g = d->diagnose;

	if (!is_of_now(g->since_ms, g->spent_ms, now_ms)) {
		g->since_ms = now_ms;
		g->spent_ms = 0;
		g->n = 0;
	}
	return g->n++ < QUESTIONS_A_MOMENT;
}

/* Record when an answer was complete and how long it took. If the clock was set back meanwhile, the
 * duration is 0. */
static void answer_stamp(struct daemon *d, struct diagnosis *known, int64_t asked_ms)
{
	known->time_ms = clock_now_ms();
	known->spent_ms = known->time_ms > asked_ms ? known->time_ms - asked_ms : 0;
	d->diagnose->spent_ms += known->spent_ms;
}

static const char *iifname_of(struct daemon *d, const struct audit_stray *stray)
{
	const char *name = stray->iifindex ? ifnames_get(d->ifnames, stray->iifindex) : "lo";

	return name ? name : "";
}

/* Return whether the latest answer holds for the packet. One equal port is enough: the other port
 * can be the client's, which differs in each flow and which rules rarely match. */
static bool is_alike(const struct diagnosis *known, const struct audit_stray *stray)
{
	return known->mark == stray->mark && known->proto == stray->proto &&
	       (known->dport == stray->dport || known->sport == stray->sport) &&
	       addr_is_equal(&known->dst, &stray->dst);
}

static const struct diagnosis *routing_diagnose(struct daemon *d, const struct audit_stray *stray,
						int64_t now_ms)
{
	const struct uplink_config *u = config_uplink_by_slot(d->config, stray->expected);
	bool is_v6 = stray->src.family == AF_INET6;
	struct diagnosis *known = &d->diagnose->routing[stray->expected][is_v6]
						       [stray->iifindex ? FORWARDED : SENT_BY_HOST];
	struct fib_query q = {
		.src = stray->src,
		.dst = stray->dst,
		.family = stray->src.family,
		.proto = stray->proto,
		.sport = stray->sport,
		.dport = stray->dport,
		.mark = stray->mark,
		.iifname = iifname_of(d, stray),
	};

	if (!u)
		return NULL;
	if (is_of_now(known->time_ms, known->spent_ms, now_ms) &&
	    (is_alike(known, stray) || !may_ask(d, now_ms)))
		return known;
	*known = (struct diagnosis){
		.dst = stray->dst,
		.proto = stray->proto,
		.sport = stray->sport,
		.dport = stray->dport,
		.mark = stray->mark,
	};
	known->reason = steering_diagnose(d->steering, u, &q, known->object);
	answer_stamp(d, known, now_ms);
	/* A rule or route is also missing while the uplink is down. An uplink can be down although
	 * its interface is up: an operator or a health check has taken it down, its default route
	 * was withdrawn, its routes are not installed yet, or it has no address in this family. */
	if ((known->reason == REASON_ROUTE_MISSING || known->reason == REASON_RULE_MISSING) &&
	    !uplink_states_family_carries(d, stray->expected, is_v6))
		known->reason = REASON_UPLINK_DOWN;
	return known;
}

/* Return REASON_RESTORE_MISSING if the ruleset, which restores marks, is missing or changed, and
 * otherwise REASON_UNEXPLAINED. In audit mode the rules of another program restore marks, and
 * waymarkd does not know these rules: return REASON_UNEXPLAINED. */
static enum reason restoring_diagnose(struct daemon *d, int64_t now_ms)
{
	struct diagnosis *known = &d->diagnose->restoring;

	if (d->config->mode == MODE_AUDIT)
		return REASON_UNEXPLAINED;
	if (!is_of_now(known->time_ms, known->spent_ms, now_ms)) {
		known->reason = steering_is_restoring(d->steering) ? REASON_UNEXPLAINED
								   : REASON_RESTORE_MISSING;
		answer_stamp(d, known, now_ms);
	}
	return known->reason;
}

enum reason diagnose_stray(void *data, const struct audit_stray *stray, char object[OBJECT_MAX])
{
	struct daemon *d = data;
	int64_t now_ms = clock_now_ms();
	const struct diagnosis *known;

	object[0] = '\0';
	if (stray->expected >= UPLINKS_MAX)
		return REASON_UNEXPLAINED;
	if (!stray->is_marked)
		return restoring_diagnose(d, now_ms);
	known = routing_diagnose(d, stray, now_ms);
	if (!known)
		return REASON_UNEXPLAINED;
	memcpy(object, known->object, OBJECT_MAX);
	return known->reason;
}

/* Return whether a rule or route leads a new flow to an uplink that new flows should avoid, because
 * an operator or a health check has drained it or taken it down. Use the kernel's current rules and
 * routes. If may_ask() allows no more questions, use the steering's last snapshot. */
bool diagnose_undrained(void *data, const struct audit_stray *stray, char object[OBJECT_MAX])
{
	struct daemon *d = data;
	const struct uplink_config *u = config_uplink_by_slot(d->config, stray->expected);
	const struct netstate *known = steering_netstate(d->steering);
	struct diagnosis asked;
	int64_t now_ms = clock_now_ms();
	bool is_undrained;

	object[0] = '\0';
	if (!u)
		return false;
	if (!may_ask(d, now_ms))
		return known &&
		       drain_is_ignored(known, d->config, u, &stray->src, &stray->dst, object);
	is_undrained = steering_is_undrained(d->steering, u, &stray->src, &stray->dst, object);
	answer_stamp(d, &asked, now_ms);
	return is_undrained;
}
