/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_fill.c - fills a history through the writer, as fast as possible or at a rate, with flows
 * that look like a router's, and prints the cost. For measurements and for searches over many
 * flows; not part of "make check".
 *
 *	store_fill DATABASE FLOWS [RATE [SEED]]
 *
 * A flow is written when it starts and again, with its end and counters, some thousands of flows
 * later. At the end the program waits for the postings, for which the writer has had no time.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "fake_flows.h"
#include "waymark/store/store.h"

/* Live flows: a ring of those to be ended. */
#define LIVE	 65536
#define CAPACITY 262144
/* The flows are those of ten days. */
#define SPAN_MS INT64_C(864000000)

static double now_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void push(struct writer *w, const struct record *r)
{
	while (writer_push(w, r) < 0)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void pace(double started, int64_t made, long rate)
{
	double ahead = rate ? (double)made / (double)rate - (now_s(CLOCK_MONOTONIC) - started) : 0;

	if (ahead > 0.002)
		nanosleep(&(struct timespec){.tv_nsec = (long)(ahead * 1e9) % 1000000000}, NULL);
}

/* Records other than flows. */
static void others_push(struct writer *w, const struct flow_record *f, int64_t *usage_ms)
{
	struct record m = {.type = RECORD_MISMATCH}, u = {.type = RECORD_USAGE};

	if (f->verdict == VERDICT_MISMATCH) {
		fake_mismatch(f, &m.mismatch);
		push(w, &m);
	}
	if (f->started_ms < *usage_ms)
		return;
	*usage_ms = f->started_ms + USAGE_BIN_MS;
	for (uint8_t slot = 0; slot < 2; slot++) {
		fake_usage(f->started_ms, slot, &u.usage);
		push(w, &u);
	}
}

static void fill(struct writer *w, int64_t first, int64_t flows, long rate)
{
	struct flow_record *live = calloc(LIVE, sizeof(*live));
	struct record r = {.type = RECORD_FLOW};
	int64_t begin = (int64_t)time(NULL) * 1000 - SPAN_MS, usage_ms = 0;
	double started = now_s(CLOCK_MONOTONIC);

	for (int64_t i = 0; i < flows + LIVE; i++) {
		struct flow_record *f = &live[fake_random() % 64 + (i & (LIVE - 64))];

		if (f->id && f->state == FLOW_LIVE) {
			fake_end(f);
			r.flow = *f;
			push(w, &r);
		}
		if (i >= flows)
			continue;
		fake_begin(f, first + i, begin + (int64_t)((double)i / (double)flows * SPAN_MS));
		r.flow = *f;
		push(w, &r);
		others_push(w, f, &usage_ms);
		if (i % 64 == 0)
			pace(started, i, rate);
	}
	for (int i = 0; i < LIVE; i++)
		if (live[i].id && live[i].state == FLOW_LIVE) {
			fake_end(&live[i]);
			r.flow = live[i];
			push(w, &r);
		}
	free(live);
}

/* Return the number of full slices without postings. */
static int slices_open(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	int n = 0;

	sqlite3_prepare_v2(db,
			   "SELECT count(*) FROM slice WHERE state = 0"
			   " AND id < (SELECT max(id) FROM slice)",
			   -1, &stmt, NULL);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static void postings_await(const char *path)
{
	double began = now_s(CLOCK_MONOTONIC);
	sqlite3 *db = NULL;
	int n;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
		n = slices_open(db);
		while (slices_open(db))
			nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		printf("postings of %d slices %.2f s\n", n, now_s(CLOCK_MONOTONIC) - began);
	}
	sqlite3_close(db);
}

static void report(const char *path, int64_t flows, double wall, const struct writer_stats *s)
{
	struct rusage use;
	struct stat info = {0};
	double cpu;

	getrusage(RUSAGE_SELF, &use);
	cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	      (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	stat(path, &info);
	printf("flows %lld  wall %.2f s  %.0f flows/s  cpu %.2f us/flow  batches %llu  depth max %u"
	       "  refused %llu  memory %ld KiB\n",
	       (long long)flows, wall, (double)flows / wall, cpu * 1e6 / (double)flows,
	       (unsigned long long)s->batches, s->depth_max, (unsigned long long)s->dropped,
	       use.ru_maxrss);
	printf("file %lld bytes  %.1f bytes/flow\n", (long long)info.st_size,
	       (double)info.st_size / (double)flows);
}

int main(int argc, char **argv)
{
	int64_t flows = argc > 2 ? atoll(argv[2]) : 0;
	struct writer_stats stats;
	struct record uplinks;
	struct writer *w;
	struct store *st;
	double started;

	if (flows < 1) {
		fprintf(stderr, "usage: %s DATABASE FLOWS [RATE [SEED]]\n", argv[0]);
		return 2;
	}
	fake_seed(argc > 4 ? strtoull(argv[4], NULL, 10) : 1);
	st = store_open(argv[1], stderr);
	w = st ? writer_start(st, CAPACITY, 250) : NULL;
	if (!w)
		return 1;
	started = now_s(CLOCK_MONOTONIC);
	fake_uplinks(&uplinks);
	push(w, &uplinks);
	fill(w, store_last_flow_id(st) + 1, flows, argc > 3 ? atol(argv[3]) : 0);
	writer_flush(w);
	writer_stats(w, &stats);
	started = now_s(CLOCK_MONOTONIC) - started;
	postings_await(argv[1]);
	writer_stop(w, true, (int64_t)time(NULL) * 1000);
	store_close(st);
	report(argv[1], flows, started, &stats);
	return 0;
}
