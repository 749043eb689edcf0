/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide.h - decides which uplinks are drained or taken down. The decision depends on the health of
 * the uplinks, the check programs and the operator's commands.
 *
 * An operator's command holds until the operator replaces it. If there is no command, an uplink
 * fails when its check fails or when it is silent. Key on-failure then names the action. A failure
 * never drains or takes down the last usable uplink. An uplink recovers when good checks or
 * answered flows show that it works. If an uplink is drained or down and has no check program,
 * nothing can show that: the uplink is used again after a hold time. Each later failure makes the
 * hold time longer. Pure: time is passed in. Must not know routes.
 */
#ifndef WAYMARK_HEALTH_DECIDE_H
#define WAYMARK_HEALTH_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/health/health.h"

enum health_action { ACTION_NONE, ACTION_DRAIN, ACTION_DOWN };

enum operator_word { OPERATOR_AUTO, OPERATOR_UP, OPERATOR_DOWN, OPERATOR_DRAIN };
const char *operator_word_name(enum operator_word w); /* "auto", "up", ... */
int operator_word_parse(const char *text);	      /* or -EINVAL */

/* The hold time: the minimum time for which an uplink stays failed. It is DECIDE_HOLD_MS after the
 * first failure and doubles with each later one, up to DECIDE_HOLD_MAX_MS. */
#define DECIDE_HOLD_MS	   INT64_C(30000)
#define DECIDE_HOLD_MAX_MS INT64_C(1800000)

/* What decide_all() must know about one uplink. */
struct decide_input {
	const struct health_config *config;
	enum operator_word operator_word;
	bool is_usable; /* its interface and gateway let it carry new flows */
	enum health_state passive;
};

struct decision {
	enum health_action action;
	bool is_operator; /* true: the operator decided; false: the uplink's health decided */
	bool is_failed;	  /* its check fails or its flows get no answers, even if no action
			   * follows */
	bool is_retry;	  /* it is used again without proof of a recovery: call health_retry() */
	bool is_last;	  /* no action is taken, because no other uplink is usable */
};

struct decide;

struct decide *decide_new(void); /* NULL with errno */
void decide_free(struct decide *d);
void decide_forget(struct decide *d, uint8_t slot);

/* Count the result of a check of the uplink. */
void decide_check_done(struct decide *d, uint8_t slot, const struct health_config *config,
		       bool is_good);
/* Return whether the uplink's check program passes: 1 good, 0 bad, -1 not known. A known value
 * changes only after several equal results in a row (health_config.down_after and up_after). */
int decide_check_state(const struct decide *d, uint8_t slot);

/* Decide about all uplinks. inputs and out are indexed by slot; a slot without a config in inputs
 * is skipped. */
void decide_all(struct decide *d, const struct decide_input inputs[UPLINKS_MAX], int64_t now_ms,
		struct decision out[UPLINKS_MAX]);

#endif
