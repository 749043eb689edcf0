/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make_history.c - makes a history with waymarkd's writer: flows of both families, with and without
 * NAT, that end out of order, some of them changed after their end, and rows of the other tables.
 *
 *	make_history DATABASE FLOWS [FIRST-ID [FLOWS-PER-SECOND [MAX-BYTES [FILE]]]]
 *
 * With MAX-BYTES (0: no limit) retention removes the oldest flows meanwhile. With FILE the program
 * creates FILE when all flows have ended, and when FILE has been removed, it changes the verdict of
 * every 100th.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "waymark/store/store.h"

#define LIVE 64

static void nap(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void push(struct writer *w, const struct record *r)
{
	while (writer_push(w, r) < 0)
		nap(2);
}

static void uplinks_push(struct writer *w)
{
	struct uplink_record *u = calloc(2, sizeof(*u));
	struct record r = {.type = RECORD_UPLINKS, .uplinks = {.time_ms = 1, .n = 2, .uplinks = u}};

	u[0] = (struct uplink_record){.slot = 0, .name = "wan1", .ifname = "wan1", .mark = 2};
	u[1] = (struct uplink_record){.slot = 1, .name = "wan2", .ifname = "wan2", .mark = 3};
	push(w, &r);
}

static void address(struct addr *a, bool is_v6, unsigned net, unsigned host)
{
	char text[ADDR_STRLEN];

	if (is_v6)
		snprintf(text, sizeof(text), "2001:db8:%x::%x", net, host);
	else
		snprintf(text, sizeof(text), "10.%u.%u.%u", net % 256, host / 256 % 256,
			 host % 256);
	addr_parse(a, text);
}

/* The kind depends on the id, so that each combination recurs. */
static void flow_make(struct flow_record *f, int64_t id, int64_t started_ms)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	bool is_v6 = id % 2, has_nat = id / 2 % 2;
	struct endpoints *t = f->tuple;

	*f = (struct flow_record){.id = id, .started_ms = started_ms, .ct_id = (uint32_t)id * 7};
	f->proto = protos[id / 4 % 3];
	if (is_v6 && f->proto == IPPROTO_ICMP)
		f->proto = IPPROTO_ICMPV6;
	address(&t[0].src, is_v6, 1, (unsigned)(id % 5000));
	address(&t[0].dst, is_v6, 2, (unsigned)(id % 300));
	t[0].sport = (uint16_t)(1024 + id % 60000);
	t[0].dport = f->proto == IPPROTO_ICMP ? 2048 : f->proto == IPPROTO_ICMPV6 ? 32768 : 443;
	t[1] = (struct endpoints){
		.src = t[0].dst, .dst = t[0].src, .sport = t[0].dport, .dport = t[0].sport};
	if (f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6) {
		t[1].sport = t[0].sport;
		t[1].dport = t[0].dport;
	}
	if (has_nat)
		address(&t[1].dst, is_v6, 9, 1);
	f->mark = id % 3 ? 2 : 3;
	f->uplink = id % 3 ? 0 : 1;
	f->ingress = SLOT_NONE;
	f->egress[0] = id % 200 == 9 ? 3 : UINT64_C(1) << f->uplink;
	f->verdict = VERDICT_OK;
}

static void flow_end(struct flow_record *f)
{
	f->state = FLOW_ENDED;
	f->ended_ms = f->started_ms + 10 + f->id % 5000;
	f->has_counters = true;
	for (int i = 0; i < 2; i++) {
		f->packets[i] = (uint64_t)(f->id % 90 + 1 + i);
		f->bytes[i] = f->packets[i] * 100;
	}
}

static void mismatch_push(struct writer *w, const struct flow_record *f)
{
	struct record r = {.type = RECORD_MISMATCH};

	r.mismatch = (struct mismatch_record){.id = f->id,
					      .time_ms = f->started_ms,
					      .flow_id = f->id,
					      .proto = f->proto,
					      .tuple = f->tuple[0],
					      .mark = f->mark,
					      .expected = f->uplink,
					      .egress = !f->uplink,
					      .reason = REASON_RULE_MISSING,
					      .packets = 1};
	push(w, &r);
}

/* Sometimes a record other than a flow. */
static void others_push(struct writer *w, const struct flow_record *f)
{
	struct record gap = {.type = RECORD_GAP,
			     .gap = {.id = f->id,
				     .started_ms = f->started_ms,
				     .ended_ms = f->started_ms + 5,
				     .lost = 3,
				     .reason = "of a test"}};
	struct record tamper = {.type = RECORD_TAMPERING,
				.tampering = {.time_ms = f->started_ms,
					      .what = "rule\tdeleted",
					      .pid = 1,
					      .process = "nft",
					      .action = "restored"}};
	struct record state = {.type = RECORD_UPLINK_STATE,
			       .uplink_state = {.time_ms = f->started_ms, .state = "up"}};

	push(w, &gap);
	push(w, &tamper);
	push(w, &state);
}

static void flow_push(struct writer *w, struct flow_record *f)
{
	struct record r = {.type = RECORD_FLOW, .flow = *f};

	push(w, &r);
}

/* A flow ends; for every 50th the verdict is set later. */
static void flow_finish(struct writer *w, struct flow_record *f, struct flow_record *late)
{
	flow_end(f);
	flow_push(w, f);
	if (late->id) {
		late->verdict = VERDICT_MISMATCH;
		late->reason = REASON_RULE_MISSING;
		flow_push(w, late);
		mismatch_push(w, late);
		late->id = 0;
	}
	if (f->id % 50 == 0)
		*late = *f;
	f->id = 0;
}

/* A minute in which every packet that left was of a flow in the history. */
static void coverage_push(struct writer *w, int64_t ended_ms)
{
	struct record r = {.type = RECORD_COVERAGE, .coverage = calloc(1, sizeof(*r.coverage))};

	*r.coverage = (struct coverage_record){
		.started_ms = ended_ms - 60000,
		.ended_ms = ended_ms,
		.has_link = true,
		.has_left = true,
		.is_whole = true,
		.link = {100, 9000},
		.left = {100, 9000},
		.rules = {[RULE_OUT] = {100, 9000}},
		.flows = {[SHARE_SEEN] = {100, 9000}},
		.reading = {.time_ms = ended_ms},
	};
	push(w, &r);
}

/* The verdict of every 100th flow changes, although the flow ended long ago. */
static void verdicts_change(struct writer *w, int64_t first, int64_t flows, int64_t begin)
{
	struct flow_record f;

	for (int64_t i = 7; i < flows; i += 100) {
		flow_make(&f, first + i, begin + i / 10);
		flow_end(&f);
		f.verdict = VERDICT_MISMATCH;
		f.reason = REASON_RULE_MISSING;
		flow_push(w, &f);
	}
}

/* Create the file and wait until another process removes it. */
static void file_await(const char *path)
{
	FILE *file = fopen(path, "w");

	if (file)
		fclose(file);
	while (access(path, F_OK) == 0)
		nap(20);
}

static void run(struct writer *w, int64_t first, int64_t flows, long rate, int64_t begin)
{
	struct flow_record live[LIVE] = {{0}}, late = {0};

	for (int64_t i = 0; i < flows; i++) {
		struct flow_record *f = &live[(i * 7) % LIVE];

		if (f->id)
			flow_finish(w, f, &late);
		flow_make(f, first + i, begin + i / 10);
		flow_push(w, f);
		if (i % 1000 == 0)
			others_push(w, f);
		if (rate && i % 20 == 0)
			nap(20000 / rate);
	}
	for (int i = 0; i < LIVE; i++)
		if (live[i].id)
			flow_finish(w, &live[i], &late);
}

int main(int argc, char **argv)
{
	int64_t first = argc > 3 ? atoll(argv[3]) : 1;
	int64_t begin = (int64_t)time(NULL) * 1000 - 60000;
	long rate = argc > 4 ? atol(argv[4]) : 0;
	long long most = argc > 5 ? atoll(argv[5]) : 0;
	struct store *st;
	struct writer *w;

	if (argc < 3)
		return 2;
	st = store_open(argv[1], stderr);
	w = st ? writer_start(st, 100000, 50) : NULL;
	if (!w)
		return 1;
	if (most)
		writer_set_retention(w, 0, (uint64_t)most);
	uplinks_push(w);
	coverage_push(w, begin);
	run(w, first, atoll(argv[2]), rate, begin);
	writer_flush(w);
	if (argc > 6) {
		file_await(argv[6]);
		verdicts_change(w, first, atoll(argv[2]), begin);
	}
	nap(most ? 3000 : 0);
	writer_stop(w, true, (int64_t)time(NULL) * 1000);
	store_close(st);
	return 0;
}
