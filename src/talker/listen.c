/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.c - opens a listening socket of one address family. This succeeds even if no interface has
 * the address yet.
 */
#include "talker/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

static socklen_t address_fill(struct sockaddr_storage *to, const struct addr *addr, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = addr->family;
	if (addr->family == AF_INET) {
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->bytes, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->bytes, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

/* Set the socket's options. IP_FREEBIND allows waymarkd to start before the interface has its
 * address. */
static int socket_prepare(int fd, int family)
{
	int on = 1, err = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		err = -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		err = -errno;
	if (setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		       family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND, &on, sizeof(on)))
		err = -errno;
	return err;
}

int listen_open(const struct addr *addr, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t length = address_fill(&address, addr, port);
	int fd = socket(addr->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : socket_prepare(fd, addr->family);

	if (!err && (bind(fd, (const struct sockaddr *)&address, length) || listen(fd, BACKLOG)))
		err = -errno;
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}
