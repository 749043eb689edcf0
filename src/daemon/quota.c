/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota.c - adds up what each uplink has used of its quota, and raises the alerts. It keeps the
 * bytes of each local day, so that it can add up another period when the key quota-day changes. At
 * the start it reads the bytes, and the alert that an earlier waymarkd raised, from the history.
 *
 * Must not know how bytes are counted (usage.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/quota.h"
#include "waymark/alert/alert.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"
#include "waymark/store/store.h"

/* Number of days whose bytes are kept: more than the longest period has. */
#define DAYS   40
#define DAY_MS INT64_C(86400000)

static const struct level {
	unsigned percent;
	const char *reason;
} levels[] = {{0, ""}, {80, "80-percent"}, {100, "100-percent"}};
#define LEVELS (sizeof(levels) / sizeof(levels[0]))

struct used {
	int64_t reported_ms; /* start of the period that `level` is about */
	unsigned level;	     /* index in levels[] of the alert that is raised now; 0: none */
	struct {
		int64_t day; /* days since 1970, local time */
		uint64_t bytes;
	} days[DAYS];
};

struct quota {
	struct used used[UPLINKS_MAX];
};

/* --- bytes by day ---------------------------------------------------------------------------- */

static int64_t day_of(int64_t ms)
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&at, &tm);
	return (ms + (int64_t)tm.tm_gmtoff * 1000) / DAY_MS;
}

static void used_add(struct used *u, int64_t time_ms, uint64_t bytes)
{
	int64_t day = day_of(time_ms);

	if (day < 0)
		return;
	if (u->days[day % DAYS].day != day)
		u->days[day % DAYS].bytes = 0;
	u->days[day % DAYS].day = day;
	u->days[day % DAYS].bytes += bytes;
}

static uint64_t used_since(const struct used *u, int64_t start_ms)
{
	int64_t first = day_of(start_ms);
	uint64_t sum = 0;

	for (int i = 0; i < DAYS; i++)
		if (u->days[i].day >= first)
			sum += u->days[i].bytes;
	return sum;
}

void quota_add(struct daemon *d, uint8_t slot, int64_t now_ms, uint64_t bytes)
{
	if (bytes)
		used_add(&d->quota->used[slot], now_ms, bytes);
}

uint64_t quota_used(const struct daemon *d, uint8_t slot)
{
	const struct uplink_config *u = config_uplink_by_slot(d->config, slot);

	return u ? used_since(&d->quota->used[slot],
			      times_period_start(clock_now_ms(), u->quota_day))
		 : 0;
}

/* --- alerts ---------------------------------------------------------------------------------- */

static unsigned level_of(uint64_t used, uint64_t quota)
{
	unsigned level = LEVELS - 1;

	while (level && (double)used * 100 < (double)quota * levels[level].percent)
		level--;
	return quota ? level : 0;
}

static void alert_raise(struct daemon *d, const struct uplink_config *u, enum alert_state state,
			unsigned level, uint64_t used)
{
	char used_text[UNITS_STRLEN], quota_text[UNITS_STRLEN];
	struct alert a = publish_of_uplink(u, ALERT_QUOTA, levels[level].reason);

	a.state = state;
	snprintf(a.text, sizeof(a.text), "uplink %s has used %s of its quota of %s%s", u->name,
		 size_format((int64_t)used, used_text),
		 size_format((int64_t)u->quota_bytes, quota_text),
		 state == ALERT_OVER   ? ""
		 : level == LEVELS - 1 ? ": the quota is used up"
				       : "");
	if (state == ALERT_OVER)
		log_notice("%s", a.text);
	else
		log_warning("%s", a.text);
	publish_raise(d, &a);
}

static void uplink_tick(struct daemon *d, const struct uplink_config *u, int64_t now_ms)
{
	struct used *q = &d->quota->used[u->slot];
	int64_t period_ms = times_period_start(now_ms, u->quota_day);
	uint64_t used = used_since(q, period_ms);
	unsigned level = level_of(used, u->quota_bytes);

	if (q->level && (level < q->level || period_ms > q->reported_ms)) {
		alert_raise(d, u, ALERT_OVER, q->level, used);
		q->level = 0;
	}
	if (level > q->level) {
		alert_raise(d, u, ALERT_RAISED, level, used);
		q->level = level;
	}
	q->reported_ms = period_ms;
}

void quota_tick(struct daemon *d, int64_t now_ms)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];

		if (u->quota_bytes || d->quota->used[u->slot].level)
			uplink_tick(d, u, now_ms);
	}
}

/* --- start and stop -------------------------------------------------------------------------- */

static void bin_take(void *data, int64_t time_ms, uint64_t bytes)
{
	used_add(data, time_ms, bytes);
}

/* Read the alert that an earlier waymarkd raised and did not end. */
static int reported_read(struct daemon *d, const struct uplink_config *u, struct used *q)
{
	struct alert_record last;
	int err = store_last_alert(d->store, alert_kind_name(ALERT_QUOTA), u->name, &last);

	if (err || !last.time_ms || !strcmp(last.state, alert_state_name(ALERT_OVER)))
		return err;
	for (unsigned i = 1; i < LEVELS; i++)
		if (!strcmp(last.reason, levels[i].reason))
			q->level = i;
	q->reported_ms = times_period_start(last.time_ms, u->quota_day);
	return 0;
}

int quota_open(struct daemon *d)
{
	int64_t since_ms = clock_now_ms() - (DAYS - 1) * DAY_MS;
	int err = 0;

	d->quota = calloc(1, sizeof(*d->quota));
	if (!d->quota)
		return -ENOMEM;
	for (size_t i = 0; !err && i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		struct used *q = &d->quota->used[u->slot];

		err = store_each_usage(d->store, u->name, since_ms, bin_take, q);
		if (!err)
			err = reported_read(d, u, q);
	}
	if (err)
		log_err("cannot read the traffic that counts towards the quotas: %s",
			strerror(-err));
	return err;
}

void quota_forget(struct daemon *d, uint8_t slot)
{
	d->quota->used[slot] = (struct used){0};
}

void quota_close(struct daemon *d)
{
	free(d->quota);
}
