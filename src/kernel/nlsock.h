/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nlsock.h - a netfilter netlink socket that is read in batches, for the adapters of conntrack and
 * NFLOG.
 *
 * Accepts only messages from the kernel, and counts dropped messages. Must not know what the
 * messages mean.
 */
#ifndef WAYMARK_SRC_KERNEL_NLSOCK_H
#define WAYMARK_SRC_KERNEL_NLSOCK_H

#include <linux/netlink.h>
#include <stdint.h>

struct nlsock;

/* Called for each message except netlink's control messages. The message is valid until the call
 * returns. */
typedef void nlsock_message_fn(void *data, const struct nlmsghdr *nlh);

struct nlsock_stats {
	uint64_t datagrams; /* datagrams from the kernel */
	uint64_t forged;    /* datagrams dropped: not from port 0 */
	uint64_t malformed; /* datagrams that were truncated, or have an invalid length inside */
	uint64_t overruns;  /* reads that returned ENOBUFS: the kernel dropped messages */
};

/* Open a NETLINK_NETFILTER socket and subscribe it to `groups`, a bit mask (NF_NETLINK_...; 0:
 * none). Set its receive buffer to buffer_bytes (0: keep the system's default). Return NULL with
 * errno on failure. */
struct nlsock *nlsock_open(unsigned groups, uint32_t buffer_bytes);
void nlsock_close(struct nlsock *s); /* NULL is allowed */
int nlsock_fd(const struct nlsock *s);
uint32_t nlsock_port(const struct nlsock *s);

/* Return the size of the receive buffer as the kernel counts it: the requested size or, if the
 * kernel limited the size, twice net.core.rmem_max (socket(7)). */
uint32_t nlsock_buffer_bytes(const struct nlsock *s);

/* Return how many datagrams did not fit into the receive buffer since the socket was opened. Linux
 * before 4.12 does not report this number: then return 0. */
uint32_t nlsock_refused(const struct nlsock *s);

/* Read at most max datagrams without blocking. Return the number read (0: none left), -ENOBUFS
 * after an overrun, or another -errno. Messages that were read before the error have been passed to
 * fn. */
int nlsock_receive(struct nlsock *s, nlsock_message_fn *fn, void *data, int max);

/* Send a request with NLM_F_REQUEST and NLM_F_ACK, and wait for its acknowledgement. The messages
 * of the reply are passed to fn (can be NULL); other messages are dropped. Return 0, the kernel's
 * -errno, or -ETIMEDOUT. */
int nlsock_request(struct nlsock *s, struct nlmsghdr *nlh, nlsock_message_fn *fn, void *data);

void nlsock_stats(const struct nlsock *s, struct nlsock_stats *out);

#endif
