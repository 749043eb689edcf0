/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_states.c - tracks the state, the addresses and the gateways of each uplink. Passes the
 * addresses to the audit, and each change to the log, the alerts and the history.
 *
 * Must not know how a state is found (plan/uplink_state.c) or why an uplink has it (the explain
 * hook).
 */
#include "daemon/uplink_states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "waymark/audit/audit.h"
#include "waymark/plan/uplink_state.h"
#include "waymark/steering/steering.h"

struct uplink_states {
	uplink_states_explain_fn *explain;
	uint8_t state[UPLINKS_MAX];   /* 0: not known yet */
	char *addresses[UPLINKS_MAX]; /* as uplink_addresses() lists them; NULL: not known yet */
	struct addr gateways[UPLINKS_MAX][2];  /* the last known gateway of each family; none: not
					        * known yet */
	bool has_another_gateway[UPLINKS_MAX]; /* a gateway has changed since the last record */
	bool is_avoided[UPLINKS_MAX];	       /* a decision keeps new flows off the uplink, as
					        * last passed to the audit */
	struct uplink_state_record published[UPLINKS_MAX]; /* the records that were published last;
							    * state "": none */
};

int uplink_states_open(struct daemon *d)
{
	d->uplink_states = calloc(1, sizeof(*d->uplink_states));
	return d->uplink_states ? 0 : -ENOMEM;
}

void uplink_states_close(struct daemon *d)
{
	for (size_t slot = 0; d->uplink_states && slot < UPLINKS_MAX; slot++)
		free(d->uplink_states->addresses[slot]);
	free(d->uplink_states);
}

void uplink_states_set_explain(struct daemon *d, uplink_states_explain_fn *fn)
{
	d->uplink_states->explain = fn;
}

/* --- addresses ----------------------------------------------------------------------- */

static size_t addresses_collect(const struct daemon *d, struct audit_address *list, size_t max)
{
	const struct netstate *s = steering_netstate(d->steering);
	size_t n = 0;

	for (size_t i = 0; i < s->n_addrs && n < max; i++) {
		const struct link_state *l = netstate_link_by_index(s, s->addrs[i].ifindex);
		const struct uplink_config *u =
			l ? config_uplink_by_ifname(d->config, l->name) : NULL;

		if (u && !s->addrs[i].is_link_local)
			list[n++] = (struct audit_address){.addr = s->addrs[i].prefix.addr,
							   .slot = u->slot};
	}
	return n;
}

static int addresses_pass(struct daemon *d)
{
	const struct netstate *s = steering_netstate(d->steering);
	struct audit_address *list;
	int err;

	if (!s)
		return 0;
	list = calloc(s->n_addrs ? s->n_addrs : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	err = audit_set_addresses(d->audit, list, addresses_collect(d, list, s->n_addrs),
				  clock_now_ms());
	free(list);
	return err;
}

void uplink_states_follow_addresses(struct daemon *d)
{
	if (addresses_pass(d))
		log_err("cannot pass the uplinks' addresses to the audit: out of memory");
}

/* Log a change of addresses. While an uplink has no address, keep its last addresses. The uplink
 * often returns with another address, and this change must be logged. */
static void addresses_note(struct daemon *d, const struct uplink_config *u)
{
	char **was = &d->uplink_states->addresses[u->slot];
	char *now = uplink_addresses(u, steering_netstate(d->steering));

	if (!now || !*now) {
		free(now);
		return;
	}
	if (*was && strcmp(*was, now))
		log_notice("uplink %s: the addresses of %s changed from %s to %s", u->name,
			   u->ifname, *was, now);
	free(*was);
	*was = now;
}

/* --- gateways ------------------------------------------------------------------------ */

/* Log a change of a gateway. While an uplink has no gateway, keep its last gateway. */
static void gateway_note(struct daemon *d, const struct uplink_config *u, const struct addr *now,
			 struct addr *was)
{
	char old[ADDR_STRLEN], new[ADDR_STRLEN];

	if (addr_is_none(now) || addr_is_equal(was, now))
		return;
	if (!addr_is_none(was)) {
		log_notice("uplink %s: the gateway of %s changed from %s to %s", u->name, u->ifname,
			   addr_format(was, old), addr_format(now, new));
		d->uplink_states->has_another_gateway[u->slot] = true;
	}
	*was = *now;
}

static void gateways_note(struct daemon *d, const struct uplink_config *u)
{
	const struct uplink_plan *plan = uplink_plan_find(steering_plan(d->steering), u->slot);

	for (unsigned f = 0; plan && f < 2; f++)
		gateway_note(d, u, &plan->gateway[f], &d->uplink_states->gateways[u->slot][f]);
}

/* --- states -------------------------------------------------------------------------- */

static const char *const states[] = {"up", "down", "missing", "no-address", "no-gateway", "drain"};

static uint8_t state_number(const char *state)
{
	for (uint8_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!strcmp(state, states[i]))
			return i + 1;
	}
	return 0;
}

/* Return the words that follow the uplink's name in a message, such as "has no address". `buf` is
 * memory for the result. */
static const char *state_predicate(const char *state, char *buf, size_t size)
{
	if (!strcmp(state, "no-address"))
		return "has no address";
	if (!strcmp(state, "no-gateway"))
		return "has no gateway";
	snprintf(buf, size, "is %s", strcmp(state, "drain") ? state : "drained");
	return buf;
}

static void uplink_alert(struct daemon *d, const struct uplink_config *u, const char *state)
{
	struct alert a = publish_of_uplink(u, ALERT_UPLINK, state);
	char words[32];

	a.state = strcmp(state, "up") ? ALERT_RAISED : ALERT_OVER;
	snprintf(a.egress, sizeof(a.egress), "%s", u->ifname);
	snprintf(a.text, sizeof(a.text), "uplink %s (%s) %s", u->name, u->ifname,
		 state_predicate(state, words, sizeof(words)));
	publish_raise(d, &a);
}

/* If a decision (drain or down) begins or ceases to keep new flows off the uplink, pass this to the
 * audit. */
static void avoidance_pass(struct daemon *d, const struct uplink_config *u)
{
	const struct uplink_plan *plan = uplink_plan_find(steering_plan(d->steering), u->slot);
	bool *was = &d->uplink_states->is_avoided[u->slot];
	bool is_avoided =
		plan && (plan->decision == DECISION_DRAIN || plan->decision == DECISION_DOWN);

	if (is_avoided != *was)
		audit_set_avoided(d->audit, u->slot, is_avoided ? clock_now_ms() : 0);
	*was = is_avoided;
}

/* Determine the states and log each change. Raise an alert for a change, unless the former state
 * was unknown, as at the start. */
static void states_update(struct daemon *d)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		const char *state =
			uplink_state(u, steering_plan(d->steering), steering_netstate(d->steering));
		uint8_t before = d->uplink_states->state[u->slot], now = state_number(state);
		char words[32];

		addresses_note(d, u);
		gateways_note(d, u);
		avoidance_pass(d, u);
		if (before == now)
			continue;
		d->uplink_states->state[u->slot] = now;
		if (!strcmp(state, "drain"))
			log_notice("uplink %s is drained: no new flows use this uplink", u->name);
		else if (strcmp(state, "up"))
			log_warning("uplink %s: interface %s %s", u->name, u->ifname,
				    state_predicate(state, words, sizeof(words)));
		else
			log_notice("uplink %s: interface %s is up", u->name, u->ifname);
		if (before)
			uplink_alert(d, u, state);
	}
}

/* Return whether the uplink has the same state in both records, and carries flows in this state. */
static bool has_carried(const struct uplink_state_record *was, const struct uplink_state_record *r)
{
	return !strcmp(was->state, r->state) &&
	       (!strcmp(r->state, "up") || !strcmp(r->state, "drain"));
}

/* Return whether the addresses changed while the uplink carried flows. Such a change breaks these
 * flows. */
static bool has_moved(const struct uplink_state_record *was, const struct uplink_state_record *r)
{
	return strcmp(was->addresses, r->addresses) != 0 && has_carried(was, r);
}

/* Return whether the history already has this record. State, cause and decision (with its user and
 * its end) must be equal. A change of the addresses or a gateway makes a new record only while the
 * uplink carries flows. */
static bool is_published(const struct daemon *d, const struct uplink_state_record *r)
{
	const struct uplink_state_record *was = &d->uplink_states->published[r->slot];

	return !strcmp(was->state, r->state) && was->cause == r->cause &&
	       !strcmp(was->decision, r->decision) && !strcmp(was->user, r->user) &&
	       was->until_ms == r->until_ms && !has_moved(was, r) &&
	       !(d->uplink_states->has_another_gateway[r->slot] && has_carried(was, r));
}

/* Copy the list of addresses. If the list is too long, truncate it after a whole address. */
static void addresses_fill(const struct daemon *d, struct uplink_state_record *r)
{
	const char *list = d->uplink_states->addresses[r->slot];
	size_t len = list ? strlen(list) : 0;

	if (len >= sizeof(r->addresses)) {
		len = sizeof(r->addresses) - 1;
		while (len && list[len] != ',')
			len--;
	}
	memcpy(r->addresses, list ? list : "", len);
	r->addresses[len] = '\0';
}

/* If the addresses or a gateway changed while the uplink carried flows, set the cause of the record
 * to CAUSE_ADDRESS or CAUSE_GATEWAY. Later records do not have this cause. */
static void move_explain(const struct daemon *d, const struct uplink_state_record *was,
			 struct uplink_state_record *r)
{
	if (r->cause != CAUSE_LINK)
		return;
	if (has_moved(was, r) && *was->addresses)
		r->cause = CAUSE_ADDRESS;
	else if (d->uplink_states->has_another_gateway[r->slot] && has_carried(was, r))
		r->cause = CAUSE_GATEWAY;
}

/* If the uplink is up again because a decision ended, set the cause of the record to the cause of
 * this decision (health or operator). */
static void return_explain(const struct uplink_state_record *was, struct uplink_state_record *r)
{
	if (r->cause == CAUSE_LINK && !strcmp(r->state, "up") &&
	    (was->cause == CAUSE_HEALTH || was->cause == CAUSE_OPERATOR))
		r->cause = was->cause;
}

/* If an operator's decision has ended, set the user who ended it in the record. Later records do
 * not have this user. */
static void release_explain(const struct uplink_state_record *was,
			    const struct uplink_state_record *explained,
			    struct uplink_state_record *r)
{
	if (was->cause != CAUSE_OPERATOR || !*was->decision || !*explained->user)
		return;
	memcpy(r->user, explained->user, sizeof(r->user));
	memcpy(r->process, explained->process, sizeof(r->process));
	if (!*r->decision)
		snprintf(r->decision, sizeof(r->decision), "auto");
}

static void state_publish(struct daemon *d, uint8_t slot, const char *state)
{
	struct uplink_state_record r = {.time_ms = clock_now_ms(), .slot = slot}, explained;
	struct uplink_state_record was = d->uplink_states->published[slot];
	bool is_operator;

	snprintf(r.state, sizeof(r.state), "%s", state);
	addresses_fill(d, &r);
	d->uplink_states->explain(d, slot, &r);
	explained = r;
	is_operator = r.cause == CAUSE_OPERATOR;
	if (!is_operator)
		r.user[0] = r.process[0] = '\0';
	return_explain(&was, &r);
	if (is_published(d, &r))
		return;
	d->uplink_states->published[slot] = r;
	move_explain(d, &was, &r);
	d->uplink_states->has_another_gateway[slot] = false;
	if (!is_operator)
		release_explain(&was, &explained, &r);
	publish_uplink_state(d, &r);
}

void uplink_states_refresh(struct daemon *d)
{
	uplink_states_follow_addresses(d);
	states_update(d);
}

void uplink_states_publish(struct daemon *d)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		uint8_t slot = d->config->uplinks[i].slot, now = d->uplink_states->state[slot];

		if (now)
			state_publish(d, slot, states[now - 1]);
	}
}

void uplink_states_write(struct daemon *d)
{
	memset(d->uplink_states->published, 0, sizeof(d->uplink_states->published));
	uplink_states_publish(d);
}

void uplink_states_forget(struct daemon *d, uint8_t slot)
{
	d->uplink_states->state[slot] = 0;
	free(d->uplink_states->addresses[slot]);
	d->uplink_states->addresses[slot] = NULL;
	memset(d->uplink_states->gateways[slot], 0, sizeof(d->uplink_states->gateways[slot]));
	d->uplink_states->has_another_gateway[slot] = false;
	d->uplink_states->published[slot] = (struct uplink_state_record){0};
	d->uplink_states->is_avoided[slot] = false;
	audit_set_avoided(d->audit, slot, 0);
}

uint8_t uplink_states_number(const struct daemon *d, uint8_t slot)
{
	return d->uplink_states->state[slot];
}

bool uplink_states_is_up(const struct daemon *d, uint8_t slot)
{
	return d->uplink_states->state[slot] == state_number("up");
}

bool uplink_states_is_drained(const struct daemon *d, uint8_t slot)
{
	return d->uplink_states->state[slot] == state_number("drain");
}

bool uplink_states_family_carries(const struct daemon *d, uint8_t slot, unsigned family)
{
	const struct uplink_plan *plan = uplink_plan_find(steering_plan(d->steering), slot);

	return (uplink_states_is_up(d, slot) || uplink_states_is_drained(d, slot)) && plan &&
	       plan->trouble[family] == UPLINK_FINE;
}

bool uplink_states_family_is_up(const struct daemon *d, uint8_t slot, unsigned family)
{
	const struct uplink_plan *plan = uplink_plan_find(steering_plan(d->steering), slot);

	return uplink_states_is_up(d, slot) && plan && plan->trouble[family] == UPLINK_FINE;
}
