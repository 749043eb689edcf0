/* SPDX-License-Identifier: GPL-2.0-or-later */
/* silence.c - keeps the silences that an operator has set, and decides which alerts they cover. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alert/silence.h"

#define PLACES (sizeof(((struct silences *)0)->list) / sizeof(struct silence))

/* Return the silence of the uplink, or a free entry if it has none, or NULL if no entry is free. */
static struct silence *silence_find(struct silences *s, const char *uplink)
{
	struct silence *place = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		if (!s->list[i].until_ms)
			place = place ? place : &s->list[i];
		else if (!strcmp(s->list[i].uplink, uplink))
			return &s->list[i];
	}
	return place;
}

int silence_set(struct silences *s, const char *uplink, int64_t until_ms, const char *by)
{
	struct silence *one = silence_find(s, uplink ? uplink : "");

	if (!one)
		return -ENOSPC;
	snprintf(one->uplink, sizeof(one->uplink), "%s", uplink ? uplink : "");
	one->until_ms = until_ms;
	snprintf(one->by, sizeof(one->by), "%s", by ? by : "");
	return 0;
}

static bool is_about(const struct alert *alert, const char *uplink)
{
	return !*uplink || !strcmp(alert->uplink, uplink) || !strcmp(alert->expected, uplink) ||
	       !strcmp(alert->egress_uplink, uplink);
}

bool silence_covers(const struct silences *s, const struct alert *alert)
{
	if (alert->kind == ALERT_TEST)
		return false;
	for (size_t i = 0; i < PLACES; i++) {
		if (s->list[i].until_ms > alert->time_ms && is_about(alert, s->list[i].uplink))
			return true;
	}
	return false;
}

void silences_expire(struct silences *s, int64_t now_ms)
{
	for (size_t i = 0; i < PLACES; i++) {
		if (s->list[i].until_ms && s->list[i].until_ms <= now_ms)
			s->list[i] = (struct silence){0};
	}
}
