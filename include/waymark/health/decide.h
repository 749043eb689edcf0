/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide.h - what follows from an uplink's health, its check program and an operator.
 *
 * In this order: an operator decides until told otherwise; without one, a failed check or
 * silence is a failure and key on-failure says what follows. The last usable uplink is
 * never taken away, a recovery needs proof, and each failure of an uplink that has failed
 * before is held longer. Pure: time is passed in. It must not know routes.
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

/* How long an uplink that failed is held, at first and at most. */
#define DECIDE_HOLD_MS	   INT64_C(30000)
#define DECIDE_HOLD_MAX_MS INT64_C(1800000)

/* One uplink, as it is now. */
struct decide_input {
	const struct health_config *config;
	enum operator_word operator_word;
	bool is_usable; /* the kernel lets it carry new flows */
	enum health_state passive;
};

struct decision {
	enum health_action action;
	bool is_operator; /* else health */
	bool is_failed;	  /* by its check or its flows, whatever follows */
	bool is_retry;	  /* it is tried again without a proof: call health_retry */
	bool is_last;	  /* nothing follows, because no other uplink is usable */
};

struct decide;

struct decide *decide_new(void); /* NULL with errno */
void decide_free(struct decide *d);
void decide_forget(struct decide *d, uint8_t slot);

/* A check of the uplink ended. */
void decide_check_done(struct decide *d, uint8_t slot, const struct health_config *config,
		       bool is_good);
/* Return the result of the latest checks: 1 good, 0 bad, -1 not known. */
int decide_check_state(const struct decide *d, uint8_t slot);

/* Decide about all uplinks; inputs and out by slot; slots without config are skipped. */
void decide_all(struct decide *d, const struct decide_input inputs[UPLINKS_MAX], int64_t now_ms,
		struct decision out[UPLINKS_MAX]);

#endif
