/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listeners.h - counts other listeners to conntrack events in this network namespace.
 */
#ifndef WAYMARK_KERNEL_LISTENERS_H
#define WAYMARK_KERNEL_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Count the sockets that are subscribed to conntrack events, except the one with port own_port.
 * Reads one file of /proc. Return the number or -errno. */
int listeners_count(uint32_t own_port);

/* A line of /proc/net/netlink (netlink_seq_show in the kernel's net/netlink/af_netlink.c). */
struct netlink_socket {
	unsigned protocol, port, groups;
	unsigned long inode;
};

/* Parse a line. Return false if it is no socket, such as the line of headings. */
bool netlink_socket_parse(struct netlink_socket *s, const char *line);
/* Return whether s is subscribed to conntrack events. */
bool is_conntrack_listener(const struct netlink_socket *s);

#endif
