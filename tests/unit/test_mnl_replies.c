/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_mnl_replies.c - proves that only the kernel can end or fail a netlink request: forged
 * messages are dropped, and no length inside a message is trusted.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/mnl_replies.h"
#include "sandbox.h"

static char buffer[MNLREPLIES_BYTES];

static int setup(void **state)
{
	*state = (void *)(uintptr_t)!sandbox_enter();
	return 0;
}

static struct mnl_socket *socket_bound(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_ROUTE);

	assert_non_null(s);
	assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
	return s;
}

/* Send a message of this type and claimed length from another socket to s's port. */
static void forge(struct mnl_socket *s, uint16_t type, uint32_t seq, uint32_t length)
{
	struct mnl_socket *from = socket_bound();
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = mnl_socket_get_portid(s)};
	char message[64] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);

	nlh->nlmsg_type = type;
	nlh->nlmsg_seq = seq;
	nlh->nlmsg_len = length;
	nlh->nlmsg_pid = mnl_socket_get_portid(s);
	assert_int_equal(sendto(mnl_socket_get_fd(from), message, sizeof(message), 0,
				(struct sockaddr *)&to, sizeof(to)),
			 sizeof(message));
	mnl_socket_close(from);
}

static void links_ask(struct mnl_socket *s, uint32_t seq)
{
	char request[64] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	assert_true(mnl_socket_sendto(s, nlh, nlh->nlmsg_len) > 0);
}

static int link_count(const struct nlmsghdr *nlh, void *data)
{
	*(int *)data += nlh->nlmsg_type == RTM_NEWLINK;
	return MNL_CB_OK;
}

static void test_forged(void **state)
{
	struct mnl_socket *s;
	int links = 0;

	if (!*state)
		skip();
	s = socket_bound();
	forge(s, NLMSG_DONE, 7, 64);
	forge(s, NLMSG_ERROR, 7, 64);
	forge(s, RTM_NEWLINK, 7, 0xfffffff0);
	links_ask(s, 7);
	assert_int_equal(mnl_replies_read(s, buffer, 7, link_count, &links), 0);
	assert_true(links > 0);
	mnl_socket_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_forged, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
