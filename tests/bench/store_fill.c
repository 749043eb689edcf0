/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_fill.c - fills a history through the writer, as fast as it takes it or at
 * a rate, with flows that look like a router's, and says what that cost. Made for
 * tests of speed and for searches over many flows; not part of "make check".
 *
 *	store_fill DATABASE FLOWS [RATE [SEED]]
 *
 * A flow is written when it begins and again, with its end and counters, some
 * thousands of flows later. 192.0.2.77 has one flow in a million.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "waymark/store.h"

/* Flows that live at once: a ring of those to be ended. */
#define LIVE 65536
#define CAPACITY 262144

static uint64_t random_state = 1;

static uint32_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static double now_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void addr4(struct addr *a, uint32_t n)
{
	n = htonl(n);
	addr_set(a, AF_INET, &n);
}

/* Two thousand hosts behind NAT; servers: half the flows to 200 that everybody
 * uses, the others to any of 4 billion. */
static void flow_make(struct flow_record *f, int64_t id, int64_t started_ms)
{
	uint8_t slot = id % 3 ? 1 : 0;
	struct endpoints *t = f->tuple;

	memset(f, 0, sizeof(*f));
	f->id = id;
	f->started_ms = started_ms;
	f->proto = random_next() % 4 ? IPPROTO_TCP : IPPROTO_UDP;
	f->ct_id = random_next();
	addr4(&t[0].src, 0xc0a80000 + random_next() % 2000);
	addr4(&t[0].dst, random_next() % 2 ? 0x08000000 + random_next() % 200 * 77777 :
					     random_next());
	if (id % 1000000 == 77)
		addr4(&t[0].src, 0xc000024d);
	t[0].sport = (uint16_t)(32768 + random_next() % 28000);
	t[0].dport = random_next() % 3 ? 443 : 53;
	t[1] = (struct endpoints){ .src = t[0].dst, .sport = t[0].dport, .dport = t[0].sport };
	addr4(&t[1].dst, slot ? 0xcb007105 : 0xc6336405);
	f->mark = slot + 2;
	f->uplink = slot;
	f->ingress = SLOT_NONE;
	f->egress[0] = UINT64_C(1) << slot;
	f->verdict = VERDICT_OK;
}

static void flow_end(struct flow_record *f)
{
	f->state = FLOW_ENDED;
	f->ended_ms = f->started_ms + 50 + random_next() % 120000;
	f->has_counters = true;
	f->packets[0] = 2 + random_next() % 60;
	f->packets[1] = 2 + random_next() % 90;
	f->bytes[0] = f->packets[0] * (60 + random_next() % 200);
	f->bytes[1] = f->packets[1] * (60 + random_next() % 1400);
}

static void push(struct writer *w, const struct record *r)
{
	while (writer_push(w, r) < 0)
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

static void uplinks_push(struct writer *w)
{
	struct record r = { .type = RECORD_UPLINKS, .uplinks = { .time_ms = 1, .n = 2 } };
	struct uplink_record *u = calloc(2, sizeof(*u));

	u[0] = (struct uplink_record){ .slot = 0, .name = "wan1", .ifname = "wan1", .mark = 2 };
	u[1] = (struct uplink_record){ .slot = 1, .name = "wan2", .ifname = "wan2", .mark = 3 };
	r.uplinks.uplinks = u;
	push(w, &r);
}

static void pace(double started, int64_t made, long rate)
{
	double ahead = rate ? (double)made / (double)rate - (now_s(CLOCK_MONOTONIC) - started) : 0;

	if (ahead > 0.002)
		nanosleep(&(struct timespec){ .tv_nsec = (long)(ahead * 1e9) % 1000000000 }, NULL);
}

static void fill(struct writer *w, int64_t first, int64_t flows, long rate)
{
	struct flow_record *live = calloc(LIVE, sizeof(*live));
	struct record r = { .type = RECORD_FLOW };
	int64_t begin = (int64_t)time(NULL) * 1000 - flows / 20;
	double started = now_s(CLOCK_MONOTONIC);

	for (int64_t i = 0; i < flows + LIVE; i++) {
		struct flow_record *f = &live[random_next() % 64 + (i & (LIVE - 64))];

		if (f->id && f->state == FLOW_LIVE) {
			flow_end(f);
			r.flow = *f;
			push(w, &r);
		}
		if (i >= flows)
			continue;
		flow_make(f, first + i, begin + i / 20);
		r.flow = *f;
		push(w, &r);
		if (i % 64 == 0)
			pace(started, i, rate);
	}
	for (int i = 0; i < LIVE; i++)
		if (live[i].id && live[i].state == FLOW_LIVE) {
			flow_end(&live[i]);
			r.flow = live[i];
			push(w, &r);
		}
	free(live);
}

static void report(const char *path, int64_t flows, double wall, const struct writer_stats *s)
{
	struct rusage use;
	struct stat info = { 0 };
	double cpu;

	getrusage(RUSAGE_SELF, &use);
	cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	      (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	stat(path, &info);
	printf("flows %lld  wall %.2f s  %.0f flows/s  cpu %.2f us/flow  batches %llu  depth max %u"
	       "  refused %llu  memory %ld KiB\n", (long long)flows, wall, (double)flows / wall,
	       cpu * 1e6 / (double)flows, (unsigned long long)s->batches, s->depth_max,
	       (unsigned long long)s->dropped, use.ru_maxrss);
	printf("file %lld bytes  %.1f bytes/flow\n", (long long)info.st_size,
	       (double)info.st_size / (double)flows);
}

int main(int argc, char **argv)
{
	int64_t flows = argc > 2 ? atoll(argv[2]) : 0;
	struct writer_stats stats;
	struct writer *w;
	struct store *st;
	double started;

	if (flows < 1) {
		fprintf(stderr, "usage: %s DATABASE FLOWS [RATE [SEED]]\n", argv[0]);
		return 2;
	}
	random_state = argc > 4 ? strtoull(argv[4], NULL, 10) | 1 : 1;
	st = store_open(argv[1], stderr);
	w = st ? writer_start(st, CAPACITY, 250) : NULL;
	if (!w)
		return 1;
	started = now_s(CLOCK_MONOTONIC);
	uplinks_push(w);
	fill(w, store_last_flow_id(st) + 1, flows, argc > 3 ? atol(argv[3]) : 0);
	writer_flush(w);
	writer_stats(w, &stats);
	started = now_s(CLOCK_MONOTONIC) - started;
	writer_stop(w, true, (int64_t)time(NULL) * 1000);
	store_close(st);
	report(argv[1], flows, started, &stats);
	return 0;
}
