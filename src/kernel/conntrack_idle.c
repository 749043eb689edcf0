/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_idle.c - computes how long an entry has been idle. Each packet sets the entry's timeout
 * to the initial timeout of the entry's state. The initial timeout minus the remaining timeout is
 * therefore the time since the last packet.
 */
#include "kernel/conntrack_idle.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "waymark/kernel/sysctl.h"

static const struct {
	uint8_t proto;
	const char *name; /* sysctl name without "nf_conntrack_" */
} timeouts[] = {
	{IPPROTO_TCP, "tcp_timeout_syn_sent"},
	{IPPROTO_TCP, "tcp_timeout_syn_recv"},
	{IPPROTO_TCP, "tcp_timeout_established"},
	{IPPROTO_TCP, "tcp_timeout_fin_wait"},
	{IPPROTO_TCP, "tcp_timeout_close_wait"},
	{IPPROTO_TCP, "tcp_timeout_last_ack"},
	{IPPROTO_TCP, "tcp_timeout_time_wait"},
	{IPPROTO_TCP, "tcp_timeout_close"},
	{IPPROTO_TCP, "tcp_timeout_max_retrans"},
	{IPPROTO_TCP, "tcp_timeout_unacknowledged"},
	{IPPROTO_UDP, "udp_timeout"},
	{IPPROTO_UDP, "udp_timeout_stream"},
	{IPPROTO_UDPLITE, "udp_timeout"},
	{IPPROTO_UDPLITE, "udp_timeout_stream"},
	{IPPROTO_ICMP, "icmp_timeout"},
	{IPPROTO_ICMPV6, "icmpv6_timeout"},
	{IPPROTO_GRE, "gre_timeout"},
	{IPPROTO_GRE, "gre_timeout_stream"},
};

void conntrack_timeouts_read(struct conntrack_timeouts *t)
{
	char name[96], text[32];

	t->n = 0;
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		snprintf(name, sizeof(name), "net/netfilter/nf_conntrack_%s", timeouts[i].name);
		if (sysctl_read(name, text, sizeof(text)))
			continue;
		t->list[t->n].proto = timeouts[i].proto;
		t->list[t->n++].seconds = (uint32_t)strtoul(text, NULL, 10);
	}
}

/* The result is one second less than the difference of the timeouts, but not negative. The kernel
 * truncates the remaining timeout to whole seconds, which makes the difference too large by up to
 * one second. */
int64_t conntrack_idle_ms(const struct conntrack_timeouts *t, uint8_t proto, uint32_t remaining_s)
{
	int64_t least_s = -1;

	for (size_t i = 0; i < t->n; i++) {
		int64_t passed_s = (int64_t)t->list[i].seconds - remaining_s;

		if (t->list[i].proto == proto && passed_s >= 0 &&
		    (least_s < 0 || passed_s < least_s))
			least_s = passed_s;
	}
	return least_s > 0 ? (least_s - 1) * 1000 : least_s;
}
