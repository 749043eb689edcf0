/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_nflog.c - proves an NFLOG group against the running kernel, in a separate network namespace,
 * and with crafted messages that this kernel may not send.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/nflog_message.h"
#include "sandbox.h"
#include "waymark/kernel/nflog.h"
#include "waymark/plan/ruleset.h"

#define GROUP	    77
#define PACKETS_MAX 16

struct log {
	struct stray_packet packets[PACKETS_MAX];
	int n;
};

static void log_packet(void *data, const struct stray_packet *p)
{
	struct log *l = data;

	if (l->n < PACKETS_MAX)
		l->packets[l->n] = *p;
	l->n++;
}

/* The source port chooses the prefix with which a packet is logged. */
static const char rules[] =
	"table inet t {\n"
	"  chain post { type filter hook postrouting priority -150;\n"
	"    udp sport 7001 meta mark set 0xabcd02 log prefix \"" PREFIX_MISMATCH
	"original\" group 77 snaplen 128\n"
	"    udp sport 7002 log prefix \"" PREFIX_MISMATCH "reply\" group 77 snaplen 128\n"
	"    udp sport 7003 log prefix \"" PREFIX_UNMARKED "\" group 77 snaplen 128\n"
	"    udp sport 7004 log prefix \"" PREFIX_TRANSIT "original\" group 77 snaplen 128\n"
	"    udp sport 7005 log prefix \"a foreign rule's \" group 77 snaplen 128\n"
	"    icmp type { echo-request, echo-reply } log prefix \"" PREFIX_MISMATCH
	"\" group 77 snaplen 128\n"
	"    icmp type destination-unreachable icmp code 3 log prefix \"" PREFIX_MISMATCH
	"\" group 77 snaplen 128\n"
	"  }\n"
	"}\n";

struct setup {
	struct nflog *nflog;
	struct log log;
	uint64_t holes;
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
	if (!is_ready)
		sandbox_nft(rules);
	is_ready = true;
	memset(&s, 0, sizeof(s));
	s.nflog = nflog_open(GROUP, 1 << 20);
	assert_non_null(s.nflog);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct setup *s = *state;

	if (s)
		nflog_close(s->nflog);
	return 0;
}

static struct setup *setup_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void await(struct setup *s, int n)
{
	while (s->log.n < n) {
		if (!sandbox_wait(nflog_fd(s->nflog)))
			fail_msg("%d packets of %d", s->log.n, n);
		assert_true(nflog_receive(s->nflog, log_packet, &s->log, 100, &s->holes) >= 0);
	}
	assert_int_equal(s->log.n, n);
}

static void assert_packet(const struct stray_packet *p, enum stray_kind kind, int direction,
			  const char *ip, unsigned sport, unsigned dport)
{
	char text[ADDR_STRLEN];

	assert_int_equal(p->kind, kind);
	assert_int_equal(p->direction, direction);
	assert_string_equal(addr_format(&p->tuple.src, text), ip);
	assert_string_equal(addr_format(&p->tuple.dst, text), ip);
	assert_int_equal(p->tuple.sport, sport);
	assert_int_equal(p->tuple.dport, dport);
	assert_int_equal(p->oifindex, if_nametoindex("lo"));
	assert_int_equal(p->iifindex, 0);
}

static void test_kinds(void **state)
{
	struct setup *s = setup_of(state);
	const struct stray_packet *p = s->log.packets;
	struct nflog_stats stats;

	/* To a port that this test has opened, so that there is no ICMP error. */
	sandbox_udp(false, 7001, 7001);
	sandbox_udp(true, 7002, 9);
	sandbox_udp(true, 7003, 9);
	sandbox_udp(true, 7004, 9);
	sandbox_udp(true, 7005, 9);
	await(s, 5);
	assert_packet(&p[0], STRAY_MISMATCH, DIR_ORIGINAL, "127.0.0.1", 7001, 7001);
	assert_int_equal(p[0].mark, 0xabcd02);
	assert_int_equal(p[0].proto, IPPROTO_UDP);
	assert_packet(&p[1], STRAY_MISMATCH, DIR_REPLY, "::1", 7002, 9);
	assert_int_equal(p[1].mark, 0);
	assert_packet(&p[2], STRAY_UNMARKED, p[2].has_ct_id ? DIR_ORIGINAL : -1, "::1", 7003, 9);
	assert_packet(&p[3], STRAY_TRANSIT, DIR_ORIGINAL, "::1", 7004, 9);
	assert_packet(&p[4], STRAY_OTHER, p[4].has_ct_id ? DIR_ORIGINAL : -1, "::1", 7005, 9);
	for (int i = 0; i < 5; i++)
		assert_int_equal(p[i].seq, i);
	assert_int_equal(s->holes, 0);
	nflog_stats(s->nflog, &stats);
	assert_int_equal(stats.messages, 5);
	assert_int_equal(stats.parse_errors + stats.overruns + stats.holes + stats.forged, 0);
	assert_int_not_equal(stats.buffer_bytes, 0);
}

static void test_icmp_error(void **state)
{
	struct setup *s = setup_of(state);
	const struct stray_packet *p = s->log.packets;

	sandbox_udp(false, 7010, 9); /* no process listens */
	await(s, 1);
	assert_true(p[0].is_icmp_error && !p[0].is_icmp_reply);
	assert_int_equal(p[0].proto, IPPROTO_UDP);
	assert_packet(&p[0], STRAY_MISMATCH, p[0].has_ct_id ? DIR_REPLY : -1, "127.0.0.1", 9, 7010);
}

static void test_echo(void **state)
{
	static const uint8_t echo[8] = {8, 0, 0xf7, 0xfe, 0, 1, 0, 0}; /* checksum, id 1 */
	struct setup *s = setup_of(state);
	const struct stray_packet *p = s->log.packets;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)), 8);
	close(fd);
	await(s, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p[i].proto, IPPROTO_ICMP);
		assert_int_equal(p[i].is_icmp_reply, i);
		assert_int_equal(p[i].tuple.sport, 1);
		assert_int_equal(p[i].tuple.dport, 8 << 8);
	}
}

static void test_busy(void **state)
{
	struct setup *s = setup_of(state);
	struct nflog *other;

	errno = 0;
	assert_null(nflog_open(GROUP, 0));
	assert_int_equal(errno, EBUSY);
	/* The owner is not disturbed, and another group is free. */
	other = nflog_open(GROUP + 1, 0);
	assert_non_null(other);
	nflog_close(other);
	sandbox_udp(true, 7004, 9);
	await(s, 1);
	/* After its owner has closed it, the group is free again. */
	nflog_close(s->nflog);
	s->nflog = nflog_open(GROUP, 0);
	assert_non_null(s->nflog);
}

/* Without the right to configure NFLOG the error is not that the group is taken. */
static void test_unprivileged(void **state)
{
	int status;
	pid_t child;

	(void)setup_of(state);
	if (!sandbox_is_privileged())
		skip(); /* it cannot become another user */
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(!nflog_open(GROUP, 0) && errno == EPERM ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int receive_all(struct setup *s, int max)
{
	int n, overruns = 0;

	while ((n = nflog_receive(s->nflog, log_packet, &s->log, max, &s->holes)) != 0) {
		assert_true(n > 0 || n == -ENOBUFS);
		overruns += n < 0;
	}
	return overruns;
}

static void test_holes(void **state)
{
	struct setup *s = setup_of(state);
	struct nflog_stats stats;

	nflog_close(s->nflog);
	s->nflog = nflog_open(GROUP, 1);
	assert_non_null(s->nflog);
	for (int i = 0; i < 200; i++)
		sandbox_udp(true, 7004, 9);
	assert_int_equal(receive_all(s, 3), 1);
	assert_true(s->log.n > 0 && s->log.n < 200);
	assert_int_equal(s->holes, 0); /* no later message shows the loss yet */
	sandbox_udp(true, 7004, 9);
	assert_int_equal(receive_all(s, 3), 0);
	assert_int_equal(s->log.n + s->holes, 201);
	nflog_stats(s->nflog, &stats);
	assert_int_equal(stats.holes, s->holes);
	assert_int_equal(stats.overruns, 1);
	assert_int_equal(stats.messages, s->log.n);
}

static struct nlmsghdr *message_put(uint8_t *buffer)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	return nlh;
}

static void test_forged(void **state)
{
	struct setup *s = setup_of(state);
	struct mnl_socket *liar = mnl_socket_open(NETLINK_NETFILTER);
	struct sockaddr_nl to;
	socklen_t size = sizeof(to);
	struct nflog_stats stats;
	uint8_t buffer[256] = {0};
	struct nlmsghdr *nlh = message_put(buffer);

	assert_int_equal(getsockname(nflog_fd(s->nflog), (struct sockaddr *)&to, &size), 0);
	assert_non_null(liar);
	assert_int_equal(mnl_socket_bind(liar, 0, MNL_SOCKET_AUTOPID), 0);
	mnl_attr_put_u32(nlh, NFULA_SEQ, htonl(1000));
	assert_int_equal(sendto(mnl_socket_get_fd(liar), nlh, nlh->nlmsg_len, 0,
				(struct sockaddr *)&to, sizeof(to)),
			 nlh->nlmsg_len);
	mnl_socket_close(liar);
	assert_true(sandbox_wait(nflog_fd(s->nflog)));
	assert_int_equal(receive_all(s, 10), 0);
	nflog_stats(s->nflog, &stats);
	assert_int_equal(stats.forged, 1);
	assert_int_equal(stats.messages + s->log.n + s->holes, 0);
}

/* --- messages without a kernel ------------------------------------------------ */

static const uint8_t udp_packet[28] = {
	0x45, 0, 0,   28, 0, 0, 0,    0,    64, IPPROTO_UDP, 0, 0, 192, 0,
	2,    1, 192, 0,  2, 2, 0x1b, 0x58, 0,	53,	     0, 8, 0,	0,
};

static void test_message_with_ct(void **state)
{
	uint8_t buffer[512] = {0};
	struct nlmsghdr *nlh = message_put(buffer);
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFULA_CT);
	struct stray_packet p;
	bool has_seq;

	(void)state;
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(8));
	mnl_attr_put_u32(nlh, CTA_ID, htonl(0xcafe));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_u32(nlh, NFULA_CT_INFO, htonl(3)); /* IP_CT_ESTABLISHED_REPLY */
	mnl_attr_put_strz(nlh, NFULA_PREFIX, PREFIX_UNMARKED);
	assert_int_equal(nflog_message_decode(nlh, &p, &has_seq), -EBADMSG); /* no packet */
	mnl_attr_put(nlh, NFULA_PAYLOAD, sizeof(udp_packet), udp_packet);
	assert_int_equal(nflog_message_decode(nlh, &p, &has_seq), 0);
	assert_false(has_seq);
	assert_true(p.has_ct_id);
	assert_int_equal(p.ct_id, 0xcafe);
	assert_int_equal(p.direction, DIR_REPLY);
	assert_int_equal(p.tuple.sport, 7000);
	for (uint32_t size = sizeof(*nlh); size < nlh->nlmsg_len; size++) {
		struct nlmsghdr *cut = malloc(size);

		assert_non_null(cut);
		memcpy(cut, buffer, size);
		cut->nlmsg_len = size;
		(void)nflog_message_decode(cut, &p, &has_seq);
		free(cut);
	}
}

struct prefix_case {
	const char *prefix;
	enum stray_kind kind;
	int direction;
};

static void test_prefixes(void **state)
{
	static const struct prefix_case cases[] = {
		{PREFIX_MISMATCH, STRAY_MISMATCH, -1},
		{"waymark mismatch", STRAY_MISMATCH, -1},
		{PREFIX_MISMATCH "original", STRAY_MISMATCH, DIR_ORIGINAL},
		{PREFIX_MISMATCH "reply ", STRAY_MISMATCH, DIR_REPLY},
		{PREFIX_MISMATCH "reply wan1", STRAY_MISMATCH, DIR_REPLY},
		{PREFIX_MISMATCH "replying", STRAY_MISMATCH, -1},
		{PREFIX_TRANSIT "original", STRAY_TRANSIT, DIR_ORIGINAL},
		{PREFIX_UNMARKED, STRAY_UNMARKED, -1},
		{"waymark mismatched", STRAY_OTHER, -1},
		{"waymark", STRAY_OTHER, -1},
		{"original", STRAY_OTHER, -1},
		{"", STRAY_OTHER, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buffer[512] = {0};
		struct nlmsghdr *nlh = message_put(buffer);
		struct stray_packet p;
		bool has_seq;

		mnl_attr_put_strz(nlh, NFULA_PREFIX, cases[i].prefix);
		mnl_attr_put(nlh, NFULA_PAYLOAD, sizeof(udp_packet), udp_packet);
		assert_int_equal(nflog_message_decode(nlh, &p, &has_seq), 0);
		if (p.kind != cases[i].kind || p.direction != cases[i].direction)
			fail_msg("prefix '%s': kind %d, direction %d", cases[i].prefix, p.kind,
				 p.direction);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_with_ct),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_icmp_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_echo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unprivileged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
