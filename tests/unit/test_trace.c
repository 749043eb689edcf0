/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_trace.c - proves that WAYMARK_TRACE prints the messages of its topics readably, and no
 * others; no length inside a message leads out of it.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/trace_internal.h"
#include "waymark/kernel/trace.h"

static void line_print(const char *line)
{
	fputs(line, stderr);
}

static _Alignas(8) char buffer[512];

static struct nlmsghdr *route_put(void)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(memset(buffer, 0, sizeof(buffer)));
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_seq = 7;
	m->rtm_family = AF_INET;
	m->rtm_dst_len = 24;
	m->rtm_table = 249;
	mnl_attr_put_u32(nlh, RTA_DST, htonl(0xc0000200));
	mnl_attr_put_u32(nlh, RTA_OIF, 3);
	return nlh;
}

static struct nlmsghdr *entry_put(void)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(memset(buffer, 0, sizeof(buffer)));
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct nlattr *tuple, *inner;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	m->nfgen_family = AF_INET;
	tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	inner = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, htonl(0x0a000001));
	mnl_attr_nest_end(nlh, inner);
	inner = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(443));
	mnl_attr_nest_end(nlh, inner);
	mnl_attr_nest_end(nlh, tuple);
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(2));
	return nlh;
}

/* Return the trace of this datagram from a socket of that protocol. */
static const char *traced(int protocol, const void *data, size_t size)
{
	static char text[4096];
	struct mnl_socket *s = mnl_socket_open(protocol);
	FILE *out = tmpfile();
	int former = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(s);
	assert_non_null(out);
	dup2(fileno(out), STDERR_FILENO);
	trace_datagram(mnl_socket_get_fd(s), TRACE_SENT, data, size);
	fflush(stderr);
	dup2(former, STDERR_FILENO);
	close(former);
	rewind(out);
	n = fread(text, 1, sizeof(text) - 1, out);
	text[n] = '\0';
	fclose(out);
	mnl_socket_close(s);
	return text;
}

static void test_readable(void **state)
{
	struct nlmsghdr *nlh;

	(void)state;
	assert_true(trace_set(TRACE_ALL, line_print));
	nlh = route_put();
	assert_string_equal(traced(NETLINK_ROUTE, nlh, nlh->nlmsg_len),
			    "<7>trace rtnl > new route flags=0x0 seq=7 port=0 family=2 dst_len=24 "
			    "src_len=0 table=249 protocol=0 type=0 dst=192.0.2.0 oif=3\n");
	nlh = entry_put();
	assert_string_equal(traced(NETLINK_NETFILTER, nlh, nlh->nlmsg_len),
			    "<7>trace conntrack > new entry flags=0x0 seq=0 port=0 family=2 "
			    "original={ ip={ src=10.0.0.1 } l4={ dport=443 } } mark=2\n");
}

static void test_topics(void **state)
{
	struct nlmsghdr *nlh = route_put();

	(void)state;
	assert_true(trace_set("conntrack,nft", line_print));
	assert_string_equal(traced(NETLINK_ROUTE, nlh, nlh->nlmsg_len), "");
	assert_false(trace_set("rtnl,routes", line_print));
	assert_string_equal(traced(NETLINK_ROUTE, nlh, nlh->nlmsg_len), "");
	assert_true(trace_set("rtnl", line_print));
	assert_string_not_equal(traced(NETLINK_ROUTE, nlh, nlh->nlmsg_len), "");
	assert_true(trace_set(NULL, line_print));
	assert_string_equal(traced(NETLINK_ROUTE, nlh, nlh->nlmsg_len), "");
}

/* Datagrams cut at any byte, and with any byte changed, under the sanitizers. */
static void test_malformed(void **state)
{
	struct nlmsghdr *nlh = entry_put();
	size_t size = nlh->nlmsg_len;

	(void)state;
	assert_true(trace_set(TRACE_ALL, line_print));
	for (size_t i = 0; i <= size; i++) {
		char *cut = malloc(i ? i : 1);

		memcpy(cut, buffer, i);
		traced(NETLINK_NETFILTER, cut, i);
		free(cut);
	}
	for (size_t i = 0; i < size; i++) {
		char *changed = malloc(size);

		memcpy(changed, buffer, size);
		changed[i] = (char)~changed[i];
		traced(NETLINK_NETFILTER, changed, size);
		free(changed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readable),
		cmocka_unit_test(test_topics),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
