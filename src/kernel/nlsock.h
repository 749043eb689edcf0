/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nlsock.h - a netfilter netlink socket that is read in batches: what the
 * adapters of conntrack and NFLOG have in common.
 *
 * Takes messages from the kernel alone, counts what it drops, and must not know
 * what the messages mean.
 */
#ifndef WAYMARK_SRC_KERNEL_NLSOCK_H
#define WAYMARK_SRC_KERNEL_NLSOCK_H

#include <linux/netlink.h>
#include <stdint.h>

struct nlsock;

/* Called for each message that is not netlink's own; it lives until the call
 * returns. */
typedef void nlsock_message_fn(void *data, const struct nlmsghdr *nlh);

struct nlsock_stats {
	uint64_t datagrams; /* from the kernel */
	uint64_t forged;    /* datagrams dropped: not from port 0 */
	uint64_t malformed; /* datagrams cut short, or with a wrong length inside */
	uint64_t overruns;  /* ENOBUFS answers: the kernel dropped something */
};

/* Opens a NETLINK_NETFILTER socket, subscribed to the groups of the bit mask
 * (NF_NETLINK_..., 0: none), with a receive buffer of buffer_bytes (0: the
 * system's default). NULL with errno. */
struct nlsock *nlsock_open(unsigned groups, uint32_t buffer_bytes);
void nlsock_close(struct nlsock *s); /* NULL is allowed */
int nlsock_fd(const struct nlsock *s);
uint32_t nlsock_port(const struct nlsock *s);

/* The receive buffer as the kernel counts it: what was asked for, unless that was
 * cut to twice net.core.rmem_max (socket(7)). */
uint32_t nlsock_buffer_bytes(const struct nlsock *s);

/* Datagrams for which it had no room, as the kernel counts them, since it was
 * opened; 0 before Linux 4.12, which does not say. */
uint32_t nlsock_refused(const struct nlsock *s);

/* Reads without blocking, at most max datagrams. Returns the number read (0:
 * nothing more), or -ENOBUFS after an overrun, or -errno; what was read before
 * the error has been handed to fn. */
int nlsock_receive(struct nlsock *s, nlsock_message_fn *fn, void *data, int max);

/* Sends a request with NLM_F_REQUEST and NLM_F_ACK and waits for its
 * acknowledgement; fn (may be NULL) gets the messages that answer it. Messages
 * that answer nothing are dropped meanwhile. 0, or the kernel's -errno, or
 * -ETIMEDOUT. */
int nlsock_request(struct nlsock *s, struct nlmsghdr *nlh, nlsock_message_fn *fn, void *data);

void nlsock_stats(const struct nlsock *s, struct nlsock_stats *out);

#endif
