/* SPDX-License-Identifier: GPL-2.0-or-later */
/* silence.h - decides which alerts are not sent because an operator has silenced them for a time,
 * such as during maintenance. Pure. */
#ifndef WAYMARK_SRC_ALERT_SILENCE_H
#define WAYMARK_SRC_ALERT_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/alert/alert.h"

struct silence {
	char uplink[UPLINK_NAME_MAX]; /* alerts about this uplink are silenced; "": all alerts */
	int64_t until_ms;	      /* when the silence ends; 0: this entry is free */
	char by[ALERT_BY_MAX];	      /* the user who requested the silence */
};

struct silences {
	struct silence list[UPLINKS_MAX + 1];
};

/* Silence the alerts about an uplink ("" or NULL: all alerts) until until_ms. If until_ms is 0, end
 * this silence. Return 0 or -ENOSPC. */
int silence_set(struct silences *s, const char *uplink, int64_t until_ms, const char *by);
/* Return whether a silence was in force at the alert's time. */
bool silence_covers(const struct silences *s, const struct alert *alert);
void silences_expire(struct silences *s, int64_t now_ms);

#endif
