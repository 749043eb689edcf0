/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory.c - measures the resident memory per live flow: feeds the audit made-up events, as from
 * the kernel, and discards its records.
 *
 *   memory [FLOWS [PARTS-IPV6]]    FLOWS (1000000) live flows, PARTS-IPV6 of
 *                                  ten of them IPv6 (5), of which a tenth has NAT;
 *                                  IPv4 all have NAT
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "waymark/audit/audit.h"

static uint64_t random_state = 88172645463325252u;

static uint32_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static long status_kib(const char *key)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	long kib = 0;

	while (status && fgets(line, sizeof(line), status)) {
		if (!strncmp(line, key, strlen(key)))
			kib = atol(line + strlen(key));
	}
	if (status)
		fclose(status);
	return kib;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void drop(void *data, const struct record *r)
{
	(void)data;
	if (r->type == RECORD_UPLINKS)
		free(r->uplinks.uplinks);
}

static void drop_alert(void *data, const struct flow_record *f, const struct mismatch_record *m)
{
	(void)data;
	(void)f;
	(void)m;
}

static void address_make(struct addr *a, bool is_ipv6)
{
	uint32_t bytes[4] = {htonl(is_ipv6 ? 0x20010db8 : random_next()), random_next(),
			     random_next(), random_next()};

	addr_set(a, is_ipv6 ? AF_INET6 : AF_INET, bytes);
}

static void event_make(struct ct_event *ev, uint32_t i, unsigned ipv6_parts)
{
	bool is_ipv6 = i % 10 < ipv6_parts;
	struct endpoints *o = &ev->tuple[DIR_ORIGINAL], *r = &ev->tuple[DIR_REPLY];

	*ev = (struct ct_event){.type = CT_NEW,
				.id = random_next(),
				.mark = 2 + (i & 1),
				.proto = i % 4 ? IPPROTO_TCP : IPPROTO_UDP,
				.has_labels = true};
	ev->labels.word[1] = UINT64_C(1) << (LABELS_RESERVED + 2 + (i & 1));
	address_make(&o->src, is_ipv6);
	address_make(&o->dst, is_ipv6);
	o->sport = (uint16_t)random_next();
	o->dport = 443;
	*r = (struct endpoints){.src = o->dst, .dst = o->src, .sport = 443, .dport = o->sport};
	if (!is_ipv6 || random_next() % 10 == 0)
		address_make(&r->dst, is_ipv6);
}

static struct audit *audit_make(uint32_t flows)
{
	static const struct audit_port port = {.emit = drop, .alert = drop_alert};
	static const struct audit_ids ids = {0};
	static struct uplink_config uplinks[2] = {{.name = "wan1", .mark = 2},
						  {.name = "wan2", .mark = 3}};
	struct config *c = config_new();
	struct audit *a = audit_new(&port, &ids, flows);

	if (!c || !a)
		return NULL;
	c->uplinks = uplinks;
	c->n_uplinks = 2;
	config_assign_slots(c);
	if (audit_set_config(a, c, 1))
		return NULL;
	c->uplinks = NULL;
	config_free(c);
	return a;
}

int main(int argc, char **argv)
{
	uint32_t flows = argc > 1 ? (uint32_t)atol(argv[1]) : 1000000;
	unsigned ipv6_parts = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	struct audit *a = audit_make(flows);
	long before_kib = status_kib("VmRSS:"), after_kib;
	double started = now_s();
	struct audit_stats stats;
	struct ct_event ev;

	if (!a)
		return 1;
	for (uint32_t i = 0; i < flows; i++) {
		event_make(&ev, i, ipv6_parts);
		audit_ct_event(a, &ev, 1700000000000 + i / 100);
		if (i % 5000 == 0)
			audit_tick(a, 1700000000000 + i / 100);
	}
	audit_flush(a, 1700000100000);
	started = now_s() - started;
	after_kib = status_kib("VmRSS:");
	audit_stats(a, &stats);
	printf("flows %u ipv6 %u0%% resident %.1f B/flow counted %.1f B/flow peak %.1f B/flow "
	       "%.2f us/flow\n",
	       stats.live, ipv6_parts, (double)(after_kib - before_kib) * 1024 / stats.live,
	       (double)stats.bytes / stats.live,
	       (double)(status_kib("VmHWM:") - before_kib) * 1024 / stats.live,
	       started * 1e6 / stats.live);
	audit_free(a);
	return 0;
}
