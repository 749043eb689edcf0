/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregation.c - remembers in a table which alerts were sent, and counts equal alerts that come
 * later. Alerts are equal if they have the same key. The key is the alert's kind, uplinks, egress
 * and reason; is_by_object() and is_takeover() name the exceptions. The table has a limited size.
 *
 * Pure: must not know a sink or a clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/aggregation.h"

#define REASON_MAX 64
#define OTHERS	   AGGREGATION_MAX /* index of the shared entry (entry_of_others()) */
#define BUCKETS	   512		   /* a power of two */
#define NONE	   (-1)

struct entry {
	uint64_t hash; /* of the key */
	int16_t next;  /* index of the next entry of the bucket, or NONE */
	bool is_used;
	int64_t sent_ms;	   /* when the last message about these alerts was sent */
	uint64_t aggregated;	   /* number of alerts since sent_ms; they were only counted */
	int64_t first_ms, last_ms; /* times of the first and of the last alert with this key */
	uint64_t total;		   /* number of alerts with this key */
	/* the newest alert; its fields are also the key of the entry. Do not use newest.reason and
	 * newest.evidence, which point to memory of a caller: use the copies below. */
	struct alert newest;
	char reason[REASON_MAX];
	char evidence[16];
};

struct aggregation {
	struct entry entries[AGGREGATION_MAX + 1];
	int16_t buckets[BUCKETS];
	bool has_evicted;     /* `evicted` is valid: aggregation_evicted() has not returned it */
	struct entry evicted; /* an entry that was reused before its summary was sent */
	uint64_t reused;
};

struct aggregation *aggregation_new(void)
{
	struct aggregation *f = calloc(1, sizeof(*f));

	if (f)
		for (size_t i = 0; i < BUCKETS; i++)
			f->buckets[i] = NONE;
	return f;
}

void aggregation_free(struct aggregation *f)
{
	free(f);
}

uint64_t aggregation_reused(const struct aggregation *f)
{
	return f->reused;
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

/* Hash with FNV-1a. The terminating 0 is hashed too, so that the texts "ab" and "c" have another
 * hash than "a" and "bc". */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash ^= (unsigned char)*text;
		hash *= 0x100000001b3;
	} while (*text++);
	return hash;
}

/* Return whether the alert is about a mismatch and names the rule or route that caused it. One rule
 * or route can divert the flows of all uplinks. To send one alert about it, and not one per uplink,
 * the expected uplink is not part of the key. */
static bool is_takeover(const struct alert *a)
{
	return a->kind == ALERT_MISMATCH && a->object[0];
}

/* Return whether the object is part of the alert's key. */
static bool is_by_object(const struct alert *a)
{
	return alert_kind_lifetime(a->kind) == ALERT_UNTIL_ENDED || is_takeover(a);
}

static uint64_t hash_alert(const struct alert *a)
{
	uint64_t hash = 0xcbf29ce484222325 ^ (uint64_t)a->kind;

	hash = hash_text(hash, a->uplink);
	hash = hash_text(hash, is_takeover(a) ? "" : a->expected);
	hash = hash_text(hash, a->egress);
	if (is_by_object(a))
		hash = hash_text(hash, a->object);
	return hash_text(hash, text_of(a->reason));
}

static bool is_same(const struct entry *e, const struct alert *a)
{
	return e->newest.kind == a->kind && strcmp(e->newest.uplink, a->uplink) == 0 &&
	       (is_takeover(a) || strcmp(e->newest.expected, a->expected) == 0) &&
	       strcmp(e->newest.egress, a->egress) == 0 &&
	       strncmp(e->reason, text_of(a->reason), REASON_MAX - 1) == 0 &&
	       (!is_by_object(a) || strcmp(e->newest.object, a->object) == 0);
}

static void entry_set_newest(struct entry *e, const struct alert *a)
{
	e->newest = *a;
	snprintf(e->reason, sizeof(e->reason), "%s", text_of(a->reason));
	snprintf(e->evidence, sizeof(e->evidence), "%s", text_of(a->evidence));
}

/* Write a summary of an entry to *out: its newest alert, with these counts. The strings of *out
 * belong to the entry. */
static void entry_give(struct entry *e, uint64_t count, struct alert *out)
{
	*out = e->newest;
	out->reason = e->reason;
	out->evidence = e->evidence;
	out->state = ALERT_SUMMARY;
	out->count = count;
	out->total = e->total;
	out->since_ms = e->first_ms;
}

static struct entry *entry_find(struct aggregation *f, uint64_t hash, const struct alert *a)
{
	int16_t i = f->buckets[hash % BUCKETS];

	for (; i != NONE; i = f->entries[i].next)
		if (f->entries[i].hash == hash && is_same(&f->entries[i], a))
			return &f->entries[i];
	return NULL;
}

static void entry_unlink(struct aggregation *f, struct entry *e)
{
	int16_t *link = &f->buckets[e->hash % BUCKETS];

	while (&f->entries[*link] != e)
		link = &f->entries[*link].next;
	*link = e->next;
}

/* Return a free entry or, if there is none, the entry whose alert was sent longest ago. */
static struct entry *entry_oldest(struct aggregation *f)
{
	struct entry *oldest = &f->entries[0];

	for (size_t i = 0; i < AGGREGATION_MAX; i++) {
		struct entry *e = &f->entries[i];

		if (!e->is_used)
			return e;
		if (e->sent_ms < oldest->sent_ms)
			oldest = e;
	}
	return oldest;
}

/* Return whether the entry's alert was sent at least interval_ms ago. If sent_ms is in the future,
 * the clock was set back: start the interval now. Otherwise the alert would be suppressed until the
 * clock reaches the old time again. */
static bool is_due(struct entry *e, int64_t now_ms, int64_t interval_ms)
{
	if (e->sent_ms > now_ms)
		e->sent_ms = now_ms;
	return now_ms - e->sent_ms >= interval_ms;
}

/* Return a new entry. If the table is full, reuse the entry whose alert was sent longest ago. If
 * even this alert was sent less than interval_ms ago, return NULL. Otherwise each of many different
 * alerts would get an entry and be sent at once. */
static struct entry *entry_new(struct aggregation *f, uint64_t hash, int64_t now_ms,
			       int64_t interval_ms)
{
	struct entry *e = entry_oldest(f);

	if (e->is_used && !is_due(e, now_ms, interval_ms))
		return NULL;
	if (e->is_used) {
		entry_unlink(f, e);
		f->reused++;
		f->has_evicted = e->aggregated > 0;
		if (f->has_evicted)
			f->evicted = *e;
	}
	*e = (struct entry){.hash = hash, .is_used = true, .next = f->buckets[hash % BUCKETS]};
	f->buckets[hash % BUCKETS] = (int16_t)(e - f->entries);
	return e;
}

bool aggregation_evicted(struct aggregation *f, struct alert *out)
{
	if (!f->has_evicted)
		return false;
	f->has_evicted = false;
	entry_give(&f->evicted, f->evicted.aggregated, out);
	return true;
}

/* Return the shared entry. All alerts that find no room in the table use it. Change *alert to an
 * alert about all of them: clear its uplinks, and replace its text with one that quotes the old
 * text as an example. */
static struct entry *entry_of_others(struct aggregation *f, struct alert *alert, bool *is_new)
{
	struct entry *e = &f->entries[OTHERS];
	char example[sizeof(alert->text)];

	snprintf(example, sizeof(example), "%s", alert->text);
	snprintf(alert->text, sizeof(alert->text),
		 "more than %d kinds of alerts; this alert stands for the other kinds (example: "
		 "%.170s)",
		 AGGREGATION_MAX, example);
	alert->uplink[0] = alert->expected[0] = alert->egress[0] = alert->egress_uplink[0] = '\0';
	alert->reason = "many-kinds";
	*is_new = !e->is_used;
	if (*is_new)
		*e = (struct entry){.is_used = true, .next = NONE};
	return e;
}

bool aggregation_take(struct aggregation *f, struct alert *alert, int64_t interval_ms)
{
	uint64_t hash = hash_alert(alert);
	struct entry *e = entry_find(f, hash, alert);
	bool is_new = !e;

	if (is_new)
		e = entry_new(f, hash, alert->time_ms, interval_ms);
	if (!e)
		e = entry_of_others(f, alert, &is_new);
	entry_set_newest(e, alert);
	if (is_new)
		e->first_ms = alert->time_ms;
	e->last_ms = alert->time_ms;
	alert->total = ++e->total;
	alert->since_ms = e->first_ms;
	if (!is_new && !is_due(e, alert->time_ms, interval_ms)) {
		e->aggregated++;
		return false;
	}
	alert->count = e->aggregated + 1;
	e->aggregated = 0;
	e->sent_ms = alert->time_ms;
	return true;
}

bool aggregation_keep(struct aggregation *f, const struct alert *alert)
{
	struct entry *e = entry_find(f, hash_alert(alert), alert);

	if (!e && f->entries[OTHERS].is_used)
		e = &f->entries[OTHERS];
	if (e)
		e->last_ms = alert->time_ms;
	return e != NULL;
}

bool aggregation_due(struct aggregation *f, int64_t now_ms, int64_t interval_ms, bool is_last,
		     struct alert *out)
{
	for (size_t i = 0; i <= OTHERS; i++) {
		struct entry *e = &f->entries[i];

		if (!e->aggregated || (!is_last && !is_due(e, now_ms, interval_ms)))
			continue;
		entry_give(e, e->aggregated, out);
		e->aggregated = 0;
		e->sent_ms = now_ms;
		return true;
	}
	return false;
}

static void entry_forget(struct aggregation *f, struct entry *e)
{
	if (e != &f->entries[OTHERS])
		entry_unlink(f, e);
	e->is_used = false;
}

static bool can_be_quiet(const struct entry *e)
{
	return e->is_used && !e->aggregated &&
	       alert_kind_lifetime(e->newest.kind) == ALERT_UNTIL_QUIET;
}

bool aggregation_over(struct aggregation *f, int64_t now_ms, int64_t quiet_ms, struct alert *out)
{
	for (size_t i = 0; i <= OTHERS; i++) {
		struct entry *e = &f->entries[i];

		if (e->last_ms > now_ms)
			e->last_ms = now_ms;
		if (!can_be_quiet(e) || now_ms - e->last_ms < quiet_ms)
			continue;
		entry_give(e, e->total, out);
		out->state = ALERT_OVER;
		entry_forget(f, e);
		return true;
	}
	return false;
}

static bool is_ended_by(const struct entry *e, const struct alert *end)
{
	return e->is_used && e->newest.kind == end->kind &&
	       strcmp(e->newest.uplink, end->uplink) == 0 &&
	       strcmp(e->newest.object, end->object) == 0;
}

bool aggregation_end(struct aggregation *f, const struct alert *alert, struct alert *out)
{
	for (size_t i = 0; i < OTHERS; i++) {
		struct entry *e = &f->entries[i];

		if (!is_ended_by(e, alert))
			continue;
		entry_give(e, e->total, out);
		entry_forget(f, e);
		return true;
	}
	return false;
}
