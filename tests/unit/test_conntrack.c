/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_conntrack.c - proves conntrack events, dumps and changes against the running kernel, in a
 * separate network namespace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ct_entries.h"
#include "kernel/conntrack_decode.h"
#include "sandbox.h"
#include "waymark/kernel/conntrack.h"

#define EVENTS_MAX 64

/* The events that a test received. */
struct log {
	struct ct_event events[EVENTS_MAX];
	int n;
};

static void log_event(void *data, const struct ct_event *ev)
{
	struct log *l = data;

	if (l->n < EVENTS_MAX)
		l->events[l->n] = *ev;
	l->n++;
}

static void count_event(void *data, const struct ct_event *ev)
{
	(void)ev;
	++*(int *)data;
}

static const struct ct_event *log_find(const struct log *l, enum ct_event_type type, uint8_t proto,
				       uint16_t sport)
{
	for (int i = 0; i < l->n && i < EVENTS_MAX; i++)
		if (l->events[i].type == type && l->events[i].proto == proto &&
		    l->events[i].tuple[DIR_ORIGINAL].sport == sport)
			return &l->events[i];
	return NULL;
}

/* Read until the event has arrived. */
static const struct ct_event *await(struct conntrack *c, struct log *l, enum ct_event_type type,
				    uint8_t proto, uint16_t sport)
{
	const struct ct_event *ev;

	while (!(ev = log_find(l, type, proto, sport))) {
		if (!sandbox_wait(conntrack_fd(c)))
			fail_msg("no event of type %d, protocol %u, port %u", type, proto, sport);
		assert_true(conntrack_receive(c, log_event, l, 100) >= 0);
	}
	return ev;
}

static void assert_endpoints(const struct endpoints *e, const char *src, unsigned sport,
			     const char *dst, unsigned dport)
{
	char text[ADDR_STRLEN];

	assert_string_equal(addr_format(&e->src, text), src);
	assert_string_equal(addr_format(&e->dst, text), dst);
	assert_int_equal(e->sport, sport);
	assert_int_equal(e->dport, dport);
}

/* --- set-up ------------------------------------------------------------------ */

/* Rules that ask for conntrack, mark and label; sport 7xxx changes its mark and
 * gets a label on the second packet. */
static const char rules[] =
	"table inet t {\n"
	"  chain out { type filter hook output priority 0;\n"
	"    udp sport 7000-7999 ct state new ct mark set 0x0702 ct label set 65\n"
	"    udp sport 7000-7999 ct packets > 1 ct mark set 0x0703 ct label set 127\n"
	"    udp sport 7000-7999 ct packets > 1 ct label set 0\n"
	"  }\n"
	"}\n";

struct setup {
	struct conntrack *conntrack;
	struct log log;
};

static int setup(void **state)
{
	static struct setup s;
	static bool is_ready;
	const char *reason = sandbox_enter();

	*state = NULL;
	if (reason) {
		print_message("skipped: %s\n", reason);
		return 0;
	}
	if (!is_ready) {
		sandbox_nft(rules);
		sandbox_sysctl("net/netfilter/nf_conntrack_acct", "1");
		sandbox_sysctl("net/netfilter/nf_conntrack_timestamp", "1");
	}
	is_ready = true;
	ct_flush();
	memset(&s, 0, sizeof(s));
	s.conntrack = conntrack_open(1 << 20);
	assert_non_null(s.conntrack);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct setup *s = *state;

	if (s)
		conntrack_close(s->conntrack);
	return 0;
}

static struct setup *setup_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

/* --- tests ------------------------------------------------------------------- */

/* A real flow: NEW with mark and label, UPDATE with both changed, DESTROY with
 * counters and times and without labels. */
static void flow_lives(struct setup *s, bool is_ipv6, uint16_t port)
{
	const char *ip = is_ipv6 ? "::1" : "127.0.0.1";
	const struct ct_event *ev;
	uint32_t id;

	sandbox_udp(is_ipv6, port, 9);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_UDP, port);
	id = ev->id;
	assert_endpoints(&ev->tuple[DIR_ORIGINAL], ip, port, ip, 9);
	assert_endpoints(&ev->tuple[DIR_REPLY], ip, 9, ip, port);
	assert_int_equal(ev->mark, 0x0702);
	assert_true(ev->status & IPS_CONFIRMED);
	assert_true(ev->has_labels && !ev->has_counters);
	assert_int_equal(ev->labels.word[0], 0);
	assert_int_equal(ev->labels.word[1], 2);

	sandbox_udp(is_ipv6, port, 9);
	ev = await(s->conntrack, &s->log, CT_UPDATE, IPPROTO_UDP, port);
	assert_int_equal(ev->id, id);
	assert_int_equal(ev->mark, 0x0703);
	assert_true(ev->has_labels);
	assert_int_equal(ev->labels.word[0], 1);
	assert_true(ev->labels.word[1] == (2 | UINT64_C(1) << 63));

	assert_int_equal(conntrack_delete(s->conntrack, ev), 0);
	ev = await(s->conntrack, &s->log, CT_DESTROY, IPPROTO_UDP, port);
	assert_int_equal(ev->id, id);
	assert_int_equal(ev->mark, 0x0703);
	assert_false(ev->has_labels);
	assert_true(ev->has_counters);
	assert_int_equal(ev->packets[DIR_ORIGINAL], 2);
	assert_int_equal(ev->bytes[DIR_ORIGINAL], 2 * (8 + 7 + (is_ipv6 ? 40 : 20)));
	assert_int_equal(ev->packets[DIR_REPLY], 0);
	assert_true(ev->start_ns > 0 && ev->stop_ns >= ev->start_ns);
}

static void test_flow_ipv4(void **state)
{
	flow_lives(setup_of(state), false, 7001);
}

static void test_flow_ipv6(void **state)
{
	flow_lives(setup_of(state), true, 7002);
}

/* Attributes of one message must not appear in the next. */
static void test_nothing_stays(void **state)
{
	struct setup *s = setup_of(state);
	const struct ct_entry bare = {
		.proto = IPPROTO_UDP, .src = "10.0.0.1", .dst = "10.0.0.2", .sport = 5, .dport = 6};
	const struct ct_entry zoned = {.proto = IPPROTO_UDP,
				       .src = "10.0.0.1",
				       .dst = "10.0.0.2",
				       .sport = 7,
				       .dport = 6,
				       .zone = 9,
				       .mark = 3};
	const struct ct_event *ev;

	sandbox_udp(true, 7003, 9);
	ct_entry_create(&zoned);
	ct_entry_create(&bare);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_UDP, 5);
	assert_non_null(log_find(&s->log, CT_NEW, IPPROTO_UDP, 7003));
	assert_endpoints(&ev->tuple[DIR_ORIGINAL], "10.0.0.1", 5, "10.0.0.2", 6);
	assert_int_equal(ev->mark, 0);
	assert_int_equal(ev->zone, 0);
	assert_false(ev->has_labels || ev->has_counters);
	assert_int_equal(ev->start_ns, 0);
}

static void test_nat(void **state)
{
	struct setup *s = setup_of(state);
	const struct ct_entry e = {.proto = IPPROTO_TCP,
				   .src = "192.168.10.2",
				   .dst = "203.0.113.10",
				   .reply_dst = "192.168.1.10",
				   .sport = 40000,
				   .dport = 443,
				   .reply_dport = 1024,
				   .mark = 0xdeadbe02};
	const struct ct_event *ev;

	ct_entry_create(&e);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_TCP, 40000);
	assert_endpoints(&ev->tuple[DIR_ORIGINAL], "192.168.10.2", 40000, "203.0.113.10", 443);
	assert_endpoints(&ev->tuple[DIR_REPLY], "203.0.113.10", 443, "192.168.1.10", 1024);
	assert_int_equal(ev->mark, 0xdeadbe02);
}

static void test_icmp(void **state)
{
	struct setup *s = setup_of(state);
	const struct ct_entry v4 = {.proto = IPPROTO_ICMP,
				    .src = "10.0.0.1",
				    .dst = "10.0.0.2",
				    .sport = 700,
				    .dport = 8 << 8};
	const struct ct_entry v6 = {.proto = IPPROTO_ICMPV6,
				    .src = "2001:db8::1",
				    .dst = "2001:db8::2",
				    .sport = 701,
				    .dport = 128 << 8};
	const struct ct_event *ev;

	ct_entry_create(&v4);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_ICMP, 700);
	assert_endpoints(&ev->tuple[DIR_ORIGINAL], "10.0.0.1", 700, "10.0.0.2", 8 << 8);
	assert_endpoints(&ev->tuple[DIR_REPLY], "10.0.0.2", 700, "10.0.0.1", 0);
	assert_int_equal(conntrack_delete(s->conntrack, ev), 0);

	ct_entry_create(&v6);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_ICMPV6, 701);
	assert_endpoints(&ev->tuple[DIR_ORIGINAL], "2001:db8::1", 701, "2001:db8::2", 128 << 8);
	assert_endpoints(&ev->tuple[DIR_REPLY], "2001:db8::2", 701, "2001:db8::1", 129 << 8);
	assert_int_equal(conntrack_delete(s->conntrack, ev), 0);
	await(s->conntrack, &s->log, CT_DESTROY, IPPROTO_ICMPV6, 701);
}

static void test_zones(void **state)
{
	struct setup *s = setup_of(state);
	struct ct_entry e = {.proto = IPPROTO_UDP,
			     .src = "10.0.0.1",
			     .dst = "10.0.0.2",
			     .sport = 100,
			     .dport = 6,
			     .zone = 21};
	struct ct_event other;
	const struct ct_event *ev;

	ct_entry_create(&e);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_UDP, 100);
	assert_int_equal(ev->zone, 21);
	other = *ev;
	other.zone = 22;
	assert_int_equal(conntrack_delete(s->conntrack, &other), -ENOENT);
	assert_int_equal(conntrack_delete(s->conntrack, ev), 0);

	/* A zone of the original direction only. */
	e.zone = 0;
	e.orig_zone = 23;
	e.sport = 101;
	ct_entry_create(&e);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_UDP, 101);
	assert_int_equal(ev->zone, 23);
	assert_int_equal(conntrack_delete(s->conntrack, ev), 0);
}

static void test_dump(void **state)
{
	struct setup *s = setup_of(state);
	struct log dumped = {.n = 0};
	const struct ct_event *ev;
	int n = 0;

	sandbox_udp(false, 7004, 9);
	sandbox_udp(true, 7005, 9);
	assert_int_equal(conntrack_dump(s->conntrack, log_event, &dumped), 0);
	assert_int_equal(dumped.n, 2); /* the ICMP errors sent in reply have no entry */
	ev = log_find(&dumped, CT_DUMP, IPPROTO_UDP, 7005);
	assert_non_null(ev);
	assert_endpoints(&ev->tuple[DIR_ORIGINAL], "::1", 7005, "::1", 9);
	assert_true(ev->has_labels && ev->has_counters && ev->start_ns > 0 && ev->stop_ns == 0);
	assert_int_equal(ev->mark, 0x0702);
	assert_int_equal(ev->packets[DIR_ORIGINAL], 1);

	ct_entries_create(3000);
	assert_int_equal(conntrack_dump(s->conntrack, count_event, &n), 0);
	assert_int_equal(n, 3000 + dumped.n);
}

static void test_delete_only_that(void **state)
{
	struct setup *s = setup_of(state);
	const struct ct_entry e = {.proto = IPPROTO_TCP,
				   .src = "10.0.0.1",
				   .dst = "10.0.0.2",
				   .sport = 200,
				   .dport = 6};
	struct ct_event wrong;
	const struct ct_event *ev;
	int n = 0;

	ct_entry_create(&e);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_TCP, 200);
	wrong = *ev;
	wrong.id ^= 1;
	assert_int_equal(conntrack_delete(s->conntrack, &wrong), -ENOENT);
	assert_int_equal(conntrack_dump(s->conntrack, count_event, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(conntrack_delete(s->conntrack, ev), 0);
	assert_int_equal(conntrack_delete(s->conntrack, ev), -ENOENT);
	n = 0;
	assert_int_equal(conntrack_dump(s->conntrack, count_event, &n), 0);
	assert_int_equal(n, 0);
}

static void test_set_mark(void **state)
{
	struct setup *s = setup_of(state);
	const struct ct_entry e = {.proto = IPPROTO_TCP,
				   .src = "10.0.0.1",
				   .dst = "10.0.0.2",
				   .sport = 300,
				   .dport = 6,
				   .mark = 0x12345602};
	struct ct_event entry;
	const struct ct_event *ev;

	ct_entry_create(&e);
	entry = *await(s->conntrack, &s->log, CT_NEW, IPPROTO_TCP, 300);
	/* Bits outside the mask are unchanged, requested or not. */
	assert_int_equal(conntrack_set_mark(s->conntrack, &entry, 0xffffff05, 0xff), 0);
	ev = await(s->conntrack, &s->log, CT_UPDATE, IPPROTO_TCP, 300);
	assert_int_equal(ev->mark, 0x12345605);
	assert_int_equal(ev->id, entry.id);

	entry.id ^= 1;
	assert_int_equal(conntrack_set_mark(s->conntrack, &entry, 9, 0xff), -ENOENT);
	entry.id ^= 1;
	assert_int_equal(conntrack_delete(s->conntrack, &entry), 0);
	assert_int_equal(conntrack_set_mark(s->conntrack, &entry, 9, 0xff), -ENOENT);
	ev = await(s->conntrack, &s->log, CT_DESTROY, IPPROTO_TCP, 300);
	assert_int_equal(ev->mark, 0x12345605);
}

/* Exactly the entries with the masked mark are deleted: other bits of the mark do not matter, and
 * other marks are left alone. Their DESTROY events are recognized as this process's doing. */
static void test_delete_marked(void **state)
{
	static const struct ct_entry entries[] = {
		{.proto = IPPROTO_TCP,
		 .src = "10.0.0.1",
		 .dst = "10.0.0.2",
		 .sport = 901,
		 .dport = 6,
		 .mark = 0x02},
		{.proto = IPPROTO_UDP,
		 .src = "fd00::1",
		 .dst = "fd00::2",
		 .sport = 902,
		 .dport = 6,
		 .mark = 0xab02},
		{.proto = IPPROTO_UDP,
		 .src = "10.0.0.1",
		 .dst = "10.0.0.2",
		 .sport = 903,
		 .dport = 6,
		 .mark = 0x03},
		{.proto = IPPROTO_UDP,
		 .src = "10.0.0.1",
		 .dst = "10.0.0.2",
		 .sport = 904,
		 .dport = 6,
		 .mark = 0x0200},
		{.proto = IPPROTO_UDP,
		 .src = "10.0.0.1",
		 .dst = "10.0.0.2",
		 .sport = 905,
		 .dport = 6},
	};
	struct setup *s = setup_of(state);
	const struct ct_event *ev;
	struct log left = {.n = 0};

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		ct_entry_create(&entries[i]);
	assert_int_equal(conntrack_delete_marked(s->conntrack, 2, 0), -EINVAL);
	assert_int_equal(conntrack_delete_marked(s->conntrack, 2, 0xff), 0);
	ev = await(s->conntrack, &s->log, CT_DESTROY, IPPROTO_TCP, 901);
	assert_true(ev->is_flushed);
	ev = await(s->conntrack, &s->log, CT_DESTROY, IPPROTO_UDP, 902);
	assert_true(ev->is_flushed);
	assert_int_equal(conntrack_dump(s->conntrack, log_event, &left), 0);
	for (uint16_t port = 901; port <= 905; port++)
		assert_true(!log_find(&left, CT_DUMP, port == 901 ? IPPROTO_TCP : IPPROTO_UDP,
				      port) == (port <= 902));
	assert_int_equal(conntrack_delete(s->conntrack, log_find(&left, CT_DUMP, IPPROTO_UDP, 904)),
			 0);
	ev = await(s->conntrack, &s->log, CT_DESTROY, IPPROTO_UDP, 904);
	assert_false(ev->is_flushed);
	ct_flush();
	ev = await(s->conntrack, &s->log, CT_DESTROY, IPPROTO_UDP, 905);
	assert_false(ev->is_flushed);
	/* Deleting a missing entry is no failure. */
	assert_int_equal(conntrack_delete_marked(s->conntrack, 2, 0xff), 0);
}

/* Protocols without ports are deleted by their addresses. */
static void test_portless(void **state)
{
	struct setup *s = setup_of(state);
	const struct ct_event *ev;
	struct addr a;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ESP);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_true(fd >= 0);
	assert_int_equal(addr_parse(&a, "127.0.0.1"), 0);
	assert_int_equal(sendto(fd, "12345678", 8, 0, (struct sockaddr *)&to, sizeof(to)), 8);
	close(fd);
	ev = await(s->conntrack, &s->log, CT_NEW, IPPROTO_ESP, 0);
	assert_endpoints(&ev->tuple[DIR_REPLY], "127.0.0.1", 0, "127.0.0.1", 0);
	assert_int_equal(conntrack_delete(s->conntrack, ev), 0);
}

static void test_overrun(void **state)
{
	struct setup *s = setup_of(state);
	struct conntrack *small = conntrack_open(1);
	struct log log = {.n = 0};
	const struct ct_entry e = {.proto = IPPROTO_TCP,
				   .src = "10.0.0.1",
				   .dst = "10.0.0.2",
				   .sport = 400,
				   .dport = 6};
	struct conntrack_stats stats;
	int n = 0, overruns = 0, ret;

	assert_non_null(small);
	ct_entries_create(500);
	do {
		ret = conntrack_receive(small, count_event, &n, 7);
		overruns += ret == -ENOBUFS;
	} while (ret > 0 || ret == -ENOBUFS);
	assert_int_equal(ret, 0);
	assert_int_equal(overruns, 1);
	assert_true(n > 0 && n < 500);
	/* It receives further events. */
	ct_entry_create(&e);
	await(small, &log, CT_NEW, IPPROTO_TCP, 400);
	conntrack_stats(small, &stats);
	assert_int_equal(stats.overruns, 1);
	assert_int_equal(stats.events, n + 1);
	assert_int_equal(stats.parse_errors, 0);
	conntrack_close(small);

	/* The large buffer holds them all, and its size is known. */
	n = 0;
	while ((ret = conntrack_receive(s->conntrack, count_event, &n, 100)) > 0)
		;
	assert_int_equal(ret, 0);
	assert_int_equal(n, 501);
	conntrack_stats(s->conntrack, &stats);
	assert_int_equal(stats.overruns, 0);
	if (sandbox_is_privileged())
		assert_true(stats.buffer_bytes >= 1 << 20);
}

static uint32_t port_of(int fd)
{
	struct sockaddr_nl a;
	socklen_t size = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	return a.nl_pid;
}

static void test_forged(void **state)
{
	struct setup *s = setup_of(state);
	const struct ct_entry e = {.proto = IPPROTO_UDP,
				   .src = "10.6.6.6",
				   .dst = "10.0.0.2",
				   .sport = 666,
				   .dport = 6};
	struct sockaddr_nl to = {.nl_family = AF_NETLINK,
				 .nl_pid = port_of(conntrack_fd(s->conntrack))};
	struct mnl_socket *liar = ct_socket_open();
	struct conntrack_stats stats;
	uint8_t buffer[1024] = {0};
	size_t size = ct_entry_put(buffer, &e);

	assert_int_equal(sendto(mnl_socket_get_fd(liar), buffer, size, 0, (struct sockaddr *)&to,
				sizeof(to)),
			 size);
	mnl_socket_close(liar);
	assert_true(sandbox_wait(conntrack_fd(s->conntrack)));
	assert_int_equal(conntrack_receive(s->conntrack, log_event, &s->log, 10), 1);
	assert_int_equal(s->log.n, 0);
	conntrack_stats(s->conntrack, &stats);
	assert_int_equal(stats.forged, 1);
	assert_int_equal(stats.events, 0);
}

/* --- messages without a kernel ------------------------------------------------ */

/* Each prefix of a good message, and attributes that the library allocates for, repeatedly: nothing
 * leaks, and nothing is read past the end. */
static void test_decoder(void **state)
{
	const struct ct_entry e = {.proto = IPPROTO_ICMP,
				   .src = "10.0.0.1",
				   .dst = "10.0.0.2",
				   .sport = 700,
				   .dport = 8 << 8,
				   .mark = 3,
				   .zone = 4};
	static const uint32_t labels[4] = {1};
	uint8_t buffer[1024] = {0};
	struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
	struct nlattr *nest;
	struct ct_event ev;

	(void)state;
	ct_entry_put(buffer, &e);
	assert_int_equal(conntrack_decode(nlh, &ev), -EBADMSG); /* no id */
	mnl_attr_put_u32(nlh, CTA_ID, htonl(5));
	mnl_attr_put(nlh, CTA_LABELS, sizeof(labels), labels);
	nest = mnl_attr_nest_start(nlh, CTA_SECCTX);
	mnl_attr_put_strz(nlh, CTA_SECCTX_NAME, "system_u:object_r:a_t:s0");
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, CTA_HELP);
	mnl_attr_put_strz(nlh, CTA_HELP_NAME, "ftp");
	mnl_attr_put(nlh, CTA_HELP_INFO, sizeof(labels), labels);
	mnl_attr_nest_end(nlh, nest);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(conntrack_decode(nlh, &ev), 0);
		assert_int_equal(ev.id, 5);
		assert_int_equal(ev.zone, 4);
		assert_int_equal(ev.labels.word[0], 1);
	}
	for (uint32_t size = sizeof(*nlh); size < nlh->nlmsg_len; size++) {
		struct nlmsghdr *cut = malloc(size);

		assert_non_null(cut);
		memcpy(cut, buffer, size);
		cut->nlmsg_len = size;
		(void)conntrack_decode(cut, &ev);
		free(cut);
	}
}

static void assert_library_agrees(const struct ct_event *ev, const struct nf_conntrack *ct)
{
	static const enum nf_conntrack_attr ports[2][2] = {
		{ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST},
		{ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST},
	};
	static const enum nf_conntrack_attr addrs[2][2][2] = {
		{{ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST},
		 {ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST}},
		{{ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV6_DST},
		 {ATTR_REPL_IPV6_SRC, ATTR_REPL_IPV6_DST}},
	};
	bool is_ipv6 = nfct_get_attr_u8(ct, ATTR_ORIG_L3PROTO) == AF_INET6;

	assert_int_equal(ev->id, nfct_get_attr_u32(ct, ATTR_ID));
	assert_int_equal(ev->proto, nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO));
	assert_int_equal(ev->mark, nfct_get_attr_u32(ct, ATTR_MARK));
	assert_int_equal(ev->status, nfct_get_attr_u32(ct, ATTR_STATUS));
	assert_int_equal(ev->zone, nfct_get_attr_u16(ct, ATTR_ZONE));
	assert_int_equal(ev->packets[0], nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS));
	assert_int_equal(ev->bytes[1], nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_BYTES));
	assert_int_equal(ev->start_ns, nfct_get_attr_u64(ct, ATTR_TIMESTAMP_START));
	for (int d = 0; d < 2; d++) {
		const struct endpoints *e = &ev->tuple[d];

		assert_int_equal(e->src.family, is_ipv6 ? AF_INET6 : AF_INET);
		assert_memory_equal(e->src.bytes, nfct_get_attr(ct, addrs[is_ipv6][d][0]),
				    addr_size(e->src.family));
		assert_memory_equal(e->dst.bytes, nfct_get_attr(ct, addrs[is_ipv6][d][1]),
				    addr_size(e->dst.family));
		if (ev->proto == IPPROTO_ICMP || ev->proto == IPPROTO_ICMPV6)
			continue; /* the library has no getter for the reply's */
		assert_int_equal(e->sport, ntohs(nfct_get_attr_u16(ct, ports[d][0])));
		assert_int_equal(e->dport, ntohs(nfct_get_attr_u16(ct, ports[d][1])));
	}
}

/* libnetfilter_conntrack reads the kernel's own messages as the decoder does. */
static void test_as_the_library(void **state)
{
	static const struct ct_entry entries[] = {
		{.proto = IPPROTO_TCP,
		 .src = "10.0.0.1",
		 .dst = "10.0.0.2",
		 .sport = 1,
		 .dport = 0x1234,
		 .mark = 0x01020304,
		 .reply_dst = "10.9.9.9",
		 .reply_dport = 0x4321},
		{.proto = IPPROTO_UDP,
		 .src = "2001:db8::1",
		 .dst = "2001:db8::2",
		 .sport = 2,
		 .dport = 53,
		 .zone = 0x102},
		{.proto = IPPROTO_SCTP,
		 .src = "10.0.0.1",
		 .dst = "10.0.0.3",
		 .sport = 3,
		 .dport = 4},
		{.proto = IPPROTO_ICMP,
		 .src = "10.0.0.1",
		 .dst = "10.0.0.2",
		 .sport = 5,
		 .dport = 8 << 8},
		{.proto = IPPROTO_ICMPV6,
		 .src = "2001:db8::1",
		 .dst = "2001:db8::2",
		 .sport = 6,
		 .dport = 128 << 8},
	};
	const int n = sizeof(entries) / sizeof(entries[0]);
	static uint8_t buffer[65536];
	struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
	struct mnl_socket *s;
	int left, seen = 0;

	(void)setup_of(state);
	for (int i = 0; i < n; i++)
		ct_entry_create(&entries[i]);
	s = ct_socket_open();
	nlh = mnl_nlmsg_put_header(buffer);
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	assert_true(mnl_socket_sendto(s, nlh, nlh->nlmsg_len) > 0);
	left = (int)mnl_socket_recvfrom(s, buffer, sizeof(buffer));
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		struct nf_conntrack *ct = nfct_new();
		struct ct_event ev;

		assert_non_null(ct);
		assert_true(nfct_nlmsg_parse(nlh, ct) >= 0);
		assert_int_equal(conntrack_decode(nlh, &ev), 0);
		assert_library_agrees(&ev, ct);
		nfct_destroy(ct);
		seen++;
	}
	assert_int_equal(seen, n);
	mnl_socket_close(s);
}

/* An attribute that is too short for its value, at any position, and an address of the other
 * family among the four. */
static void test_short_attributes(void **state)
{
	static const uint16_t short_ones[] = {CTA_STATUS, CTA_MARK, CTA_ID, CTA_ZONE};
	static const uint8_t zeros[16];
	const struct ct_entry e = {
		.proto = IPPROTO_UDP, .src = "10.0.0.1", .dst = "10.0.0.2", .sport = 1, .dport = 2};
	_Alignas(8) uint8_t buffer[1024] = {0};
	struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
	struct nlattr *nest, *ip;
	struct ct_event ev;

	(void)state;
	for (size_t i = 0; i < sizeof(short_ones) / sizeof(short_ones[0]); i++) {
		ct_entry_put(buffer, &e);
		mnl_attr_put_u32(nlh, CTA_ID, htonl(5));
		assert_int_equal(conntrack_decode(nlh, &ev), 0);
		mnl_attr_put(nlh, short_ones[i], 1, zeros);
		assert_int_equal(conntrack_decode(nlh, &ev), -EBADMSG);
	}
	for (int i = CTA_COUNTERS_PACKETS; i <= CTA_COUNTERS_BYTES; i++) {
		ct_entry_put(buffer, &e);
		mnl_attr_put_u32(nlh, CTA_ID, htonl(5));
		nest = mnl_attr_nest_start(nlh, CTA_COUNTERS_ORIG);
		mnl_attr_put(nlh, (uint16_t)i, 7, zeros);
		mnl_attr_nest_end(nlh, nest);
		assert_int_equal(conntrack_decode(nlh, &ev), -EBADMSG);
	}
	ct_entry_put(buffer, &e);
	mnl_attr_put_u32(nlh, CTA_ID, htonl(5));
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_REPLY);
	ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put(nlh, CTA_IP_V6_SRC, sizeof(zeros), zeros);
	mnl_attr_nest_end(nlh, ip);
	mnl_attr_nest_end(nlh, nest);
	assert_int_equal(conntrack_decode(nlh, &ev), -EBADMSG);
}

static void test_types(void **state)
{
	struct nlmsghdr nlh = {.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW};
	enum ct_event_type type;

	(void)state;
	assert_true(conntrack_is_event(&nlh, &type) && type == CT_UPDATE);
	nlh.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	assert_true(conntrack_is_event(&nlh, &type) && type == CT_NEW);
	nlh.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	assert_true(conntrack_is_event(&nlh, &type) && type == CT_DESTROY);
	nlh.nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW;
	assert_false(conntrack_is_event(&nlh, &type));
	nlh.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS;
	assert_false(conntrack_is_event(&nlh, &type));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decoder),
		cmocka_unit_test(test_short_attributes),
		cmocka_unit_test(test_types),
		cmocka_unit_test_setup_teardown(test_as_the_library, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flow_ipv4, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flow_ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_icmp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zones, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delete_only_that, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delete_marked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_portless, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overrun, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
