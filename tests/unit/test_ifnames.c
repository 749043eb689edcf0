/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ifnames.c - proves that interface names follow the kernel, and are kept when one disappears.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "sandbox.h"
#include "waymark/kernel/ifnames.h"

static int setup(void **state)
{
	static struct ifnames *t;
	const char *reason = sandbox_enter();

	*state = NULL;
	if (reason) {
		print_message("skipped: %s\n", reason);
		return 0;
	}
	t = ifnames_open();
	assert_non_null(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	ifnames_close(*state);
	return 0;
}

static struct ifnames *table_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

/* Send one request about an interface and assert that the kernel accepted it. */
static void link_request(unsigned type, unsigned flags, unsigned ifindex, const char *name,
			 const char *kind)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_ROUTE);
	uint8_t buffer[1024] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	struct nlattr *nest;

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	link->ifi_index = (int)ifindex;
	if (name)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	if (kind) {
		nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
		mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
		mnl_attr_nest_end(nlh, nest);
	}
	assert_non_null(s);
	assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
	assert_true(mnl_socket_sendto(s, nlh, nlh->nlmsg_len) > 0);
	assert_true(mnl_socket_recvfrom(s, buffer, sizeof(buffer)) > 0);
	assert_int_equal(nlh->nlmsg_type, NLMSG_ERROR);
	assert_int_equal(((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error, 0);
	mnl_socket_close(s);
}

static unsigned link_create(const char *name)
{
	link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, name, "veth");
	return if_nametoindex(name);
}

static void test_known_at_start(void **state)
{
	struct ifnames *t = table_of(state);

	assert_string_equal(ifnames_get(t, if_nametoindex("lo")), "lo");
	assert_null(ifnames_get(t, 0));
	assert_null(ifnames_get(t, 12345));
	assert_int_equal(ifnames_receive(t), 0);
}

static void test_follows(void **state)
{
	struct ifnames *t = table_of(state);
	unsigned old = link_create("wan1"), new;

	assert_true(sandbox_wait(ifnames_fd(t)));
	assert_int_equal(ifnames_receive(t), 0);
	assert_string_equal(ifnames_get(t, old), "wan1");

	link_request(RTM_NEWLINK, 0, old, "ppp0", NULL);
	assert_int_equal(ifnames_receive(t), 0);
	assert_string_equal(ifnames_get(t, old), "ppp0");

	/* Deleted, and made again with another index: both are known. */
	link_request(RTM_DELLINK, 0, old, NULL, NULL);
	new = link_create("ppp0");
	assert_int_not_equal(new, old);
	assert_int_equal(ifnames_receive(t), 0);
	assert_string_equal(ifnames_get(t, old), "ppp0");
	assert_string_equal(ifnames_get(t, new), "ppp0");
	link_request(RTM_DELLINK, 0, new, NULL, NULL);
}

/* Even an interface that existed only between two reads. */
static void test_short_life(void **state)
{
	struct ifnames *t = table_of(state);
	unsigned ifindex = link_create("tun7");

	link_request(RTM_DELLINK, 0, ifindex, NULL, NULL);
	assert_int_equal(ifnames_receive(t), 0);
	assert_string_equal(ifnames_get(t, ifindex), "tun7");
}

/* An overrun loses messages; the table is requested again. */
static void test_overrun(void **state)
{
	struct ifnames *t = table_of(state);
	int bytes = 1;
	unsigned ifindex = 0;

	assert_int_equal(setsockopt(ifnames_fd(t), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)),
			 0);
	for (int i = 0; i < 20; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "many%d", i);
		ifindex = link_create(name);
	}
	assert_int_equal(ifnames_receive(t), 0);
	assert_string_equal(ifnames_get(t, ifindex), "many19");
}

static void test_forged(void **state)
{
	struct ifnames *t = table_of(state);
	struct mnl_socket *liar = mnl_socket_open(NETLINK_ROUTE);
	struct sockaddr_nl to;
	socklen_t size = sizeof(to);
	uint8_t buffer[256] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));

	nlh->nlmsg_type = RTM_NEWLINK;
	link->ifi_index = (int)if_nametoindex("lo");
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "liar");
	assert_non_null(liar);
	assert_int_equal(mnl_socket_bind(liar, 0, MNL_SOCKET_AUTOPID), 0);
	assert_int_equal(getsockname(ifnames_fd(t), (struct sockaddr *)&to, &size), 0);
	assert_int_equal(sendto(mnl_socket_get_fd(liar), nlh, nlh->nlmsg_len, 0,
				(struct sockaddr *)&to, sizeof(to)),
			 nlh->nlmsg_len);
	mnl_socket_close(liar);
	assert_true(sandbox_wait(ifnames_fd(t)));
	assert_int_equal(ifnames_receive(t), 0);
	assert_string_equal(ifnames_get(t, if_nametoindex("lo")), "lo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_at_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_short_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overrun, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
