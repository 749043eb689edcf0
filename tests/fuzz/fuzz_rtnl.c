/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_rtnl.c - decodes links, addresses, routes and rules. The first byte chooses.
 */
#include "kernel/rtnl_decode.h"
#include "tests/fuzz/fuzz.h"

static void message_decode(uint8_t kind, const struct nlmsghdr *nlh)
{
	static struct rtnl_route_room room;
	struct link_state link;
	struct addr_state addr;
	struct route_state route;
	struct rule_state rule;

	switch (kind % 5) {
	case 0:
		rtnl_decode_link(&link, nlh);
		break;
	case 1:
		rtnl_decode_addr(&addr, nlh);
		break;
	case 2:
		rtnl_decode_route(&route, nlh, &room);
		break;
	case 3:
		rtnl_decode_answer(&route, nlh, &room);
		break;
	default:
		rtnl_decode_rule(&rule, nlh);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *nlh = size ? fuzz_message(data + 1, size - 1) : NULL;

	if (nlh)
		message_decode(data[0], nlh);
	free(nlh);
	return 0;
}
