/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mnl_replies.c - reads the replies to one netlink request.
 */
#include "kernel/mnl_replies.h"

#include <errno.h>

int mnl_replies_read(struct mnl_socket *socket, char *buffer, uint32_t seq, mnl_cb_t fn, void *data)
{
	uint32_t port = mnl_socket_get_portid(socket);

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(socket, buffer, MNLREPLIES_BYTES);
		int more;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)n, seq, port, fn, data);
		/* What a reply to an earlier request left behind. */
		if (more < 0 && errno == EPROTO)
			continue;
		if (more < 0)
			return -errno;
		if (more == MNL_CB_STOP)
			return 0;
	}
}
