/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_flows.c - makes flows that look like a router's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fake_flows.h"

static uint64_t random_state = 1;

void fake_seed(uint64_t seed)
{
	random_state = seed | 1;
}

uint32_t fake_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static void addr4(struct addr *a, uint32_t n)
{
	n = htonl(n);
	addr_set(a, AF_INET, &n);
}

void fake_begin(struct flow_record *f, int64_t id, int64_t started_ms)
{
	uint8_t slot = id % 3 ? 1 : 0;
	struct endpoints *t = f->tuple;

	memset(f, 0, sizeof(*f));
	f->id = id;
	f->started_ms = started_ms;
	f->proto = fake_random() % 4 ? IPPROTO_TCP : IPPROTO_UDP;
	f->ct_id = fake_random();
	addr4(&t[0].src, 0xc0a80000 + fake_random() % 2000);
	addr4(&t[0].dst,
	      fake_random() % 2 ? 0x08000000 + fake_random() % 200 * 77777 : fake_random());
	if (id % 1000000 == 77)
		addr4(&t[0].src, 0xc000024d);
	t[0].sport = (uint16_t)(32768 + fake_random() % 28000);
	t[0].dport = fake_random() % 3 ? 443 : 53;
	t[1] = (struct endpoints){.src = t[0].dst, .sport = t[0].dport, .dport = t[0].sport};
	addr4(&t[1].dst, slot ? 0xcb007105 : 0xc6336405);
	f->mark = slot + 2;
	f->uplink = slot;
	f->ingress = SLOT_NONE;
	f->egress[0] = UINT64_C(1) << slot;
	f->verdict = VERDICT_OK;
	if (id % 1000 == 5) {
		f->verdict = VERDICT_MISMATCH;
		f->reason = (enum reason)(REASON_RULE_MISSING + id / 1000 % 3);
		f->egress[0] = 3;
	}
}

void fake_mismatch(const struct flow_record *f, struct mismatch_record *m)
{
	*m = (struct mismatch_record){
		.id = f->id / 1000 + 1,
		.time_ms = f->started_ms + 5,
		.flow_id = f->id,
		.proto = f->proto,
		.tuple = f->tuple[DIR_ORIGINAL],
		.mark = f->mark,
		.expected = f->uplink,
		.egress = !f->uplink,
		.reason = f->reason,
		.evidence = EVIDENCE_STRAY_PACKET,
		.packets = 1,
	};
}

void fake_usage(int64_t time_ms, uint8_t slot, struct usage_record *u)
{
	*u = (struct usage_record){
		.time_ms = time_ms,
		.slot = slot,
		.sent = {fake_random() % 100000, fake_random() % 100000000},
		.received = {fake_random() % 100000, fake_random() % 1000000000},
		.flows = {1000, 950 + fake_random() % 50},
	};
}

void fake_end(struct flow_record *f)
{
	f->state = FLOW_ENDED;
	f->ended_ms = f->started_ms + 50 + fake_random() % 120000;
	if (f->id % 500 == 1)
		f->ended_ms += 600000 + fake_random() % 6000000;
	f->has_counters = true;
	f->packets[0] = 2 + fake_random() % 60;
	f->packets[1] = 2 + fake_random() % 90;
	if (f->id % 40 == 3)
		f->packets[1] = 0;
	f->bytes[0] = f->packets[0] * (60 + fake_random() % 200);
	f->bytes[1] = f->packets[1] * (60 + fake_random() % 1400);
}

void fake_uplinks(struct record *r)
{
	struct uplink_record *u = calloc(2, sizeof(*u));

	u[0] = (struct uplink_record){.slot = 0, .name = "wan1", .ifname = "wan1", .mark = 2};
	u[1] = (struct uplink_record){.slot = 1, .name = "wan2", .ifname = "wan2", .mark = 3};
	*r = (struct record){.type = RECORD_UPLINKS,
			     .uplinks = {.time_ms = 1, .n = 2, .uplinks = u}};
}
