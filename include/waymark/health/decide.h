/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide.h - decides which uplinks are drained or taken down, from the operator's commands, the
 * results of check programs and the answers to flows.
 *
 * An operator's command holds until the operator replaces it. Without a command, an uplink fails
 * when its check program fails or when its flows get no answers. Key on-failure names the action,
 * which is never taken on the last usable uplink. A failed uplink recovers when its check passes
 * again or its flows are answered again. A drained or down uplink gets no new flows. If it has no
 * check program either, nothing can show a recovery, so it is tried again after a hold time, which
 * grows with each failure. Pure: time is passed in. Must not know routes.
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

/* An uplink stays failed at least for the hold time. The hold time of the first failure is
 * DECIDE_HOLD_MS. Each further failure doubles it, up to DECIDE_HOLD_MAX_MS. */
#define DECIDE_HOLD_MS	   INT64_C(30000)
#define DECIDE_HOLD_MAX_MS INT64_C(1800000)

/* What decide_all() must know about one uplink. */
struct decide_input {
	const struct health_config *config;
	enum operator_word operator_word;
	bool is_usable;		   /* its interface and gateway let it carry new flows */
	enum health_state passive; /* state that the answers to its flows show (health.h) */
};

struct decision {
	enum health_action action;
	bool is_operator; /* true: the operator decided; false: the uplink's health decided */
	bool is_failed;	  /* it has failed and not recovered; `action` can still be ACTION_NONE */
	bool is_retry;	  /* it is used again, but nothing shows that it works; the caller must
			   * call health_retry() */
	bool is_last;	  /* it has failed, but is still used, because no other uplink is usable */
};

struct decide;

struct decide *decide_new(void); /* NULL with errno */
void decide_free(struct decide *d);
void decide_forget(struct decide *d, uint8_t slot);

/* Add the result of one run of the uplink's check program. */
void decide_check_done(struct decide *d, uint8_t slot, const struct health_config *config,
		       bool is_good);
/* Return 1 if the uplink's check program passes, 0 if it fails, -1 if this is not known yet. One
 * result does not change a known value: it changes from 1 to 0 after down_after bad results in a
 * row, and from 0 to 1 after up_after good ones. */
int decide_check_state(const struct decide *d, uint8_t slot);

/* Decide about all uplinks. inputs and out are indexed by slot; a slot without a config in inputs
 * is skipped. */
void decide_all(struct decide *d, const struct decide_input inputs[UPLINKS_MAX], int64_t now_ms,
		struct decision out[UPLINKS_MAX]);

#endif
