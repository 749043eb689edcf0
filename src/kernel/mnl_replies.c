/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mnl_replies.c - reads the replies to one netlink request.
 */
#include "kernel/mnl_replies.h"
#include "kernel/trace_internal.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Return whether the kernel sent a datagram. Processes can send to the port of a request socket
 * too, if they have CAP_NET_ADMIN or run as the socket's user. */
static bool is_from_kernel(const struct sockaddr_nl *from, socklen_t size)
{
	return size == sizeof(*from) && from->nl_family == AF_NETLINK && from->nl_pid == 0;
}

/* Return whether all message lengths are valid. libmnl compares lengths as signed numbers, so a
 * huge length passes its check. */
static bool is_sound(const char *buffer, size_t size)
{
	while (size >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buffer;
		size_t step = nlh->nlmsg_len;

		if (step < sizeof(*nlh) || step > size)
			return false;
		step = MNL_ALIGN(step) < size ? MNL_ALIGN(step) : size;
		buffer += step;
		size -= step;
	}
	return size == 0;
}

ssize_t mnl_replies_receive(struct mnl_socket *socket, char *buffer, size_t size)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t from_size = sizeof(from);
		ssize_t n = recvfrom(mnl_socket_get_fd(socket), buffer, size, MSG_TRUNC,
				     (struct sockaddr *)&from, &from_size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!is_from_kernel(&from, from_size))
			continue;
		if ((size_t)n > size || !is_sound(buffer, (size_t)n))
			return -EBADMSG;
		trace_datagram(mnl_socket_get_fd(socket), TRACE_RECEIVED, buffer, (size_t)n);
		return n;
	}
}

int mnl_replies_read(struct mnl_socket *socket, char *buffer, uint32_t seq, mnl_cb_t fn, void *data)
{
	uint32_t port = mnl_socket_get_portid(socket);

	for (;;) {
		ssize_t n = mnl_replies_receive(socket, buffer, MNLREPLIES_BYTES);
		int more;

		if (n < 0)
			return (int)n;
		more = mnl_cb_run(buffer, (size_t)n, seq, port, fn, data);
		/* EPROTO: a reply to an earlier request, which is ignored. */
		if (more < 0 && errno == EPROTO)
			continue;
		if (more < 0)
			return -errno;
		if (more == MNL_CB_STOP)
			return 0;
	}
}
