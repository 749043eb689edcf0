/* SPDX-License-Identifier: GPL-2.0-or-later */
/* silence.h - decides which alerts are not sent because an operator has silenced them for a time,
 * such as during maintenance. Pure. */
#ifndef WAYMARK_SRC_ALERT_SILENCE_H
#define WAYMARK_SRC_ALERT_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/alert/alert.h"

struct silence {
	char uplink[UPLINK_NAME_MAX]; /* "": all */
	int64_t until_ms;	      /* 0: none */
	char by[ALERT_BY_MAX];	      /* who requested it */
};

struct silences {
	struct silence list[UPLINKS_MAX + 1];
};

/* Silence an uplink ("" or NULL: all) until until_ms; 0 ends the silence. Return 0 or -ENOSPC. */
int silence_set(struct silences *s, const char *uplink, int64_t until_ms, const char *by);
/* Return whether a silence was in force at the alert's time. */
bool silence_covers(const struct silences *s, const struct alert *alert);
void silences_expire(struct silences *s, int64_t now_ms);

#endif
