/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listeners.c - counts the listeners to conntrack events in /proc/net/netlink, which shows the
 * sockets of the reader's network namespace. Must not know which processes own the sockets.
 */
#include "waymark/kernel/listeners.h"

#include <errno.h>
#include <linux/netlink.h>

/* NFNLGRP_CONNTRACK_NEW, _UPDATE, _DESTROY are groups 1 to 3 (nfnetlink.h). */
#define CONNTRACK_GROUPS 0x7u

bool netlink_socket_parse(struct netlink_socket *s, const char *line)
{
	return sscanf(line, "%*s %u %u %x %*s %*s %*s %*s %*s %lu", &s->protocol, &s->port,
		      &s->groups, &s->inode) == 4;
}

bool is_conntrack_listener(const struct netlink_socket *s)
{
	return s->protocol == NETLINK_NETFILTER && s->groups & CONNTRACK_GROUPS;
}

static int listeners_count_in(FILE *sockets, unsigned own_port)
{
	struct netlink_socket s;
	char line[256];
	int n = 0;

	while (fgets(line, sizeof(line), sockets))
		n += netlink_socket_parse(&s, line) && is_conntrack_listener(&s) &&
		     s.port != own_port;
	return ferror(sockets) ? -EIO : n;
}

int listeners_count(uint32_t own_port)
{
	FILE *sockets = fopen("/proc/self/net/netlink", "re");
	int n;

	if (!sockets)
		return -errno;
	n = listeners_count_in(sockets, own_port);
	fclose(sockets);
	return n;
}
