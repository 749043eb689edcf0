/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide.c - decides in three passes over all slots: which uplinks have failed, what is done about
 * each, and which one is used again because no usable uplink is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/health/decide.h"

/* A new failure counts as the first one if the failure before it began longer ago than this. */
#define FORGIVE_MS INT64_C(3600000)

struct judgement {
	uint32_t good, bad; /* consecutive checks with this result */
	int check;	    /* as decide_check_state() returns it; only valid if is_known */
	bool is_known;	    /* `check` has a value */
	bool is_failed;
	bool is_retry;	       /* as in struct decision: used again without proof of a recovery */
	int64_t failed_ms;     /* when the latest failure began; 0: never */
	int64_t good_since_ms; /* time since which is_proved() has been true; 0: it is false */
	unsigned n_failures;
	enum health_action action;
};

struct decide {
	struct judgement uplinks[UPLINKS_MAX];
};

static const char *const words[] = {
	[OPERATOR_AUTO] = "auto",
	[OPERATOR_UP] = "up",
	[OPERATOR_DOWN] = "down",
	[OPERATOR_DRAIN] = "drain",
};

const char *operator_word_name(enum operator_word w)
{
	return words[w];
}

int operator_word_parse(const char *text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text) == 0)
			return (int)i;
	return -EINVAL;
}

struct decide *decide_new(void)
{
	return calloc(1, sizeof(struct decide));
}

void decide_free(struct decide *d)
{
	free(d);
}

void decide_forget(struct decide *d, uint8_t slot)
{
	d->uplinks[slot] = (struct judgement){0};
}

void decide_check_done(struct decide *d, uint8_t slot, const struct health_config *config,
		       bool is_good)
{
	struct judgement *j = &d->uplinks[slot];

	j->good = is_good ? j->good + 1 : 0;
	j->bad = is_good ? 0 : j->bad + 1;
	if (j->bad >= config->down_after)
		j->check = 0;
	else if (j->good >= config->up_after || (is_good && !j->is_known))
		j->check = 1;
	else
		return;
	j->is_known = true;
}

int decide_check_state(const struct decide *d, uint8_t slot)
{
	return d->uplinks[slot].is_known ? d->uplinks[slot].check : -1;
}

static int64_t hold_ms(const struct judgement *j)
{
	int64_t hold = DECIDE_HOLD_MS;

	for (unsigned n = 1; n < j->n_failures && hold < DECIDE_HOLD_MAX_MS; n++)
		hold *= 2;
	return hold < DECIDE_HOLD_MAX_MS ? hold : DECIDE_HOLD_MAX_MS;
}

static void failure_begin(struct judgement *j, int64_t now_ms)
{
	if (!j->failed_ms || now_ms - j->failed_ms > FORGIVE_MS)
		j->n_failures = 0;
	j->n_failures++;
	j->failed_ms = now_ms;
	j->good_since_ms = 0;
	j->is_failed = true;
}

/* Return whether an uplink shows that it works again. If the uplink has a check program, the
 * program must pass, and the uplink must not be silent. If it has no check program, its flows must
 * be answered. A drained or down uplink without a check program gets no new flows and can show
 * nothing; return true, so that it is used again after the hold time. */
static bool is_proved(const struct judgement *j, const struct decide_input *in)
{
	if (in->config->exec)
		return j->is_known && j->check == 1 && in->passive != HEALTH_SILENT;
	return in->passive == HEALTH_HEALTHY || j->action != ACTION_NONE;
}

static void failure_update(struct judgement *j, const struct decide_input *in, int64_t now_ms)
{
	bool is_bad = (in->config->exec && j->is_known && j->check == 0) ||
		      (in->config->passive && in->passive == HEALTH_SILENT);
	int64_t proof_ms = (int64_t)in->config->up_after * in->config->interval_ms;

	j->is_retry = false;
	if (!j->is_failed) {
		if (is_bad)
			failure_begin(j, now_ms);
		return;
	}
	if (!is_proved(j, in)) {
		j->good_since_ms = 0;
		return;
	}
	if (!j->good_since_ms)
		j->good_since_ms = now_ms;
	/* The failure ends after the hold time. An uplink that is in use and has no check program
	 * must also have had answers for proof_ms. The others need not: a check program has already
	 * passed several times in a row, and a drained or down uplink has no flows to wait for. */
	if (now_ms - j->failed_ms >= hold_ms(j) && (in->config->exec || j->action != ACTION_NONE ||
						    now_ms - j->good_since_ms >= proof_ms)) {
		j->is_failed = false;
		j->is_retry = in->passive == HEALTH_SILENT;
	}
}

static enum health_action action_wanted(const struct judgement *j, const struct decide_input *in)
{
	static const enum health_action by_key[] = {
		[ON_FAILURE_ALERT] = ACTION_NONE,
		[ON_FAILURE_DRAIN] = ACTION_DRAIN,
		[ON_FAILURE_DOWN] = ACTION_DOWN,
	};
	static const enum health_action by_word[] = {
		[OPERATOR_AUTO] = ACTION_NONE,
		[OPERATOR_UP] = ACTION_NONE,
		[OPERATOR_DOWN] = ACTION_DOWN,
		[OPERATOR_DRAIN] = ACTION_DRAIN,
	};

	if (in->operator_word != OPERATOR_AUTO)
		return by_word[in->operator_word];
	return j->is_failed ? by_key[in->config->on_failure] : ACTION_NONE;
}

static unsigned usable_count(const struct decide *d, const struct decide_input inputs[UPLINKS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < UPLINKS_MAX; i++)
		n += inputs[i].config && inputs[i].is_usable && d->uplinks[i].action == ACTION_NONE;
	return n;
}

/* Decide about one uplink. The last usable uplink is drained or taken down only by an operator. */
static void uplink_decide(struct decide *d, uint8_t slot,
			  const struct decide_input inputs[UPLINKS_MAX], struct decision *out)
{
	const struct decide_input *in = &inputs[slot];
	struct judgement *j = &d->uplinks[slot];
	enum health_action wanted = action_wanted(j, in);
	bool is_operator = in->operator_word != OPERATOR_AUTO;

	*out = (struct decision){
		.is_operator = is_operator,
		.is_failed = j->is_failed,
		.is_retry = j->is_retry,
	};
	if (wanted != ACTION_NONE && !is_operator && j->action == ACTION_NONE && in->is_usable &&
	    usable_count(d, inputs) <= 1) {
		out->is_last = true;
		wanted = ACTION_NONE;
	}
	j->action = wanted;
	out->action = wanted;
}

/* Return whether a failed uplink that is drained or down must be used again, because no usable
 * uplink is left. */
static bool is_needed(const struct decide *d, uint8_t slot,
		      const struct decide_input inputs[UPLINKS_MAX])
{
	return d->uplinks[slot].action != ACTION_NONE &&
	       inputs[slot].operator_word == OPERATOR_AUTO && inputs[slot].is_usable &&
	       usable_count(d, inputs) == 0;
}

void decide_all(struct decide *d, const struct decide_input inputs[UPLINKS_MAX], int64_t now_ms,
		struct decision out[UPLINKS_MAX])
{
	for (uint8_t i = 0; i < UPLINKS_MAX; i++) {
		out[i] = (struct decision){0};
		if (inputs[i].config)
			failure_update(&d->uplinks[i], &inputs[i], now_ms);
	}
	for (uint8_t i = 0; i < UPLINKS_MAX; i++)
		if (inputs[i].config)
			uplink_decide(d, i, inputs, &out[i]);
	for (uint8_t i = 0; i < UPLINKS_MAX; i++) {
		if (!inputs[i].config || !is_needed(d, i, inputs))
			continue;
		d->uplinks[i].action = ACTION_NONE;
		out[i].action = ACTION_NONE;
		out[i].is_last = true;
	}
}
