/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_strain.c - feeds a history at a rate, as the daemon would, and prints the longest time
 * without a commit, how full the queue was and what was refused, while a reader holds a
 * transaction, or retention runs. Not part of "make check".
 *
 *	store_strain DATABASE [NAME=NUMBER]...
 *
 *	rate      flows per second (40000); each is two records, its start and its end
 *	seconds   duration (60)
 *	queue     records that fit into the queue (262144, as in the daemon)
 *	reader    seconds for which a transaction is held, from the second second on (0)
 *	age       retention in seconds (0: none)
 *	size      retention in bytes (0: none)
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fake_flows.h"
#include "waymark/store/store.h"

/* A flow ends this many flows after its start: five seconds at 40,000 per second. */
#define LIVE	       200000
#define BATCH_MS       250
#define READER_AFTER_S 2

enum { RATE, SECONDS, QUEUE, READER, AGE, SIZE, OPTIONS };
static struct {
	const char *name;
	long long value;
} options[OPTIONS] = {
	[RATE] = {"rate", 40000}, [SECONDS] = {"seconds", 60}, [QUEUE] = {"queue", 262144},
	[READER] = {"reader", 0}, [AGE] = {"age", 0},	       [SIZE] = {"size", 0},
};

struct strain {
	const char *path;
	struct writer *w;
	struct flow_record *live;
	sqlite3 *reader;
	double began_s, committed_s;
	uint64_t batches, refused;
	double worst_s, worst_at_s;
	long long log_bytes;
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int64_t time_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int option_take(const char *arg)
{
	for (int i = 0; i < OPTIONS; i++) {
		size_t n = strlen(options[i].name);

		if (!strncmp(arg, options[i].name, n) && arg[n] == '=') {
			options[i].value = atoll(arg + n + 1);
			return 0;
		}
	}
	return -1;
}

static void push(struct strain *s, const struct flow_record *f)
{
	struct record r = {.type = RECORD_FLOW, .flow = *f};

	s->refused += writer_push(s->w, &r) < 0;
}

static void flow_push(struct strain *s, int64_t id)
{
	struct flow_record *f = &s->live[id % LIVE];

	if (f->id) {
		fake_end(f);
		f->ended_ms = time_ms();
		push(s, f);
	}
	fake_begin(f, id, time_ms());
	push(s, f);
}

static long long bytes_of(const char *path, const char *suffix)
{
	char name[4096];
	struct stat info;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &info) == 0 ? info.st_size : 0;
}

static void look(struct strain *s)
{
	struct writer_stats stats;
	double now = now_s();

	writer_stats(s->w, &stats);
	if (now - s->committed_s > s->worst_s) {
		s->worst_s = now - s->committed_s;
		s->worst_at_s = now - s->began_s;
	}
	if (stats.batches == s->batches)
		return;
	s->batches = stats.batches;
	s->committed_s = now;
	if (bytes_of(s->path, "-wal") > s->log_bytes)
		s->log_bytes = bytes_of(s->path, "-wal");
}

static void reader_see_to(struct strain *s)
{
	double passed = now_s() - s->began_s - READER_AFTER_S;
	bool is_wanted = passed >= 0 && passed < (double)options[READER].value;

	if (is_wanted && !s->reader) {
		sqlite3_open_v2(s->path, &s->reader, SQLITE_OPEN_READONLY, NULL);
		sqlite3_exec(s->reader, "BEGIN; SELECT max(id) FROM flow", NULL, NULL, NULL);
	} else if (!is_wanted && s->reader) {
		printf("the reader goes at %.1f s, the longest until then %.0f ms, log %lld MB\n",
		       now_s() - s->began_s, s->worst_s * 1e3, s->log_bytes >> 20);
		sqlite3_close(s->reader);
		s->reader = NULL;
	}
}

/* In steps of a millisecond; a late step makes up for the missed ones. */
static void feed(struct strain *s, int64_t first)
{
	int64_t n = 0, all = options[RATE].value * options[SECONDS].value;

	s->began_s = s->committed_s = now_s();
	while (n < all) {
		int64_t due = (int64_t)((now_s() - s->began_s) * (double)options[RATE].value);

		for (; n < all && n < due; n++)
			flow_push(s, first + n);
		look(s);
		reader_see_to(s);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	look(s);
}

static void report(const struct strain *s, const struct writer_stats *stats)
{
	double wall = now_s() - s->began_s;

	printf("flows %lld in %.1f s: %.0f/s; longest without a commit %.0f ms (at %.1f s); "
	       "queue at most %u of %u; refused %llu; log at most %lld MB; database %lld MB\n",
	       options[RATE].value * options[SECONDS].value, wall,
	       (double)(options[RATE].value * options[SECONDS].value) / wall, s->worst_s * 1e3,
	       s->worst_at_s, stats->depth_max, stats->capacity, (unsigned long long)s->refused,
	       s->log_bytes >> 20, bytes_of(s->path, "") >> 20);
}

int main(int argc, char **argv)
{
	struct strain s = {.path = argc > 1 ? argv[1] : NULL};
	struct writer_stats stats;
	struct record uplinks;
	struct store *st;
	bool is_bad = argc < 2;

	for (int i = 2; i < argc; i++)
		is_bad |= option_take(argv[i]) < 0;
	if (is_bad) {
		fprintf(stderr,
			"usage: %s DATABASE [rate|seconds|queue|reader|age|size=NUMBER]...\n",
			argv[0]);
		return 2;
	}
	s.live = calloc(LIVE, sizeof(*s.live));
	st = store_open(s.path, stderr);
	s.w = st ? writer_start(st, (uint32_t)options[QUEUE].value, BATCH_MS) : NULL;
	if (!s.w || !s.live)
		return 1;
	fake_uplinks(&uplinks);
	writer_push(s.w, &uplinks);
	writer_set_retention(s.w, (uint64_t)options[AGE].value, (uint64_t)options[SIZE].value);
	feed(&s, store_last_flow_id(st) + 1);
	writer_stats(s.w, &stats);
	report(&s, &stats);
	writer_stop(s.w, true, time_ms());
	store_close(st);
	free(s.live);
	return 0;
}
