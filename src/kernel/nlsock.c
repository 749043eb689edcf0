/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nlsock.c - a netfilter netlink socket that is read in batches.
 *
 * One recvmmsg(2) reads up to 64 datagrams. The kernel sends each conntrack event in a separate
 * datagram. One system call per datagram would be a large part of the cost of an event. The buffers
 * are allocated once, not per message.
 *
 * Must not know conntrack, NFLOG or any attribute.
 */
#define _GNU_SOURCE /* recvmmsg */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/nlsock.h"
#include "kernel/trace_internal.h"

#define BATCH 64

/* Size of the buffer for one message. A conntrack event has 200 to 600 bytes, and so has an NFLOG
 * message with 128 bytes of a packet. Only a long security context or the data of a conntrack
 * helper makes a message larger. The size is not a multiple of 4,096, so that the buffers do not
 * all map to the same cache sets. */
#define MESSAGE_BYTES	   (4096 + 192)

#define REQUEST_TIMEOUT_MS 2000

struct nlsock {
	struct mnl_socket *mnl;
	int fd;
	uint32_t seq;
	int pending_error; /* error from an NLMSG_ERROR or NLMSG_OVERRUN in this batch */
	struct nlsock_stats stats;
	struct mmsghdr headers[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_nl from[BATCH];
	uint8_t buffers[BATCH][MESSAGE_BYTES] __attribute__((aligned(64)));
};

static void buffers_init(struct nlsock *s)
{
	for (int i = 0; i < BATCH; i++) {
		s->iov[i].iov_base = s->buffers[i];
		s->iov[i].iov_len = MESSAGE_BYTES;
		s->headers[i].msg_hdr.msg_iov = &s->iov[i];
		s->headers[i].msg_hdr.msg_iovlen = 1;
		s->headers[i].msg_hdr.msg_name = &s->from[i];
		s->headers[i].msg_hdr.msg_namelen = sizeof(s->from[i]);
	}
}

/* Set the size of the receive buffer. The kernel doubles the size that a program requests
 * (socket(7)), so half of `bytes` is requested. */
static int receive_buffer_set(int fd, uint32_t bytes)
{
	int value = (int)(bytes / 2);

	if (bytes == 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof(value)) == 0)
		return 0;
	/* SO_RCVBUFFORCE needs CAP_NET_ADMIN in the initial user namespace. SO_RCVBUF does not, but
	 * is limited by net.core.rmem_max. */
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)) ? -errno : 0;
}

struct nlsock *nlsock_open(unsigned groups, uint32_t buffer_bytes)
{
	struct nlsock *s = aligned_alloc(64, sizeof(*s));
	int err = 0;

	if (!s)
		return NULL;
	memset(s, 0, offsetof(struct nlsock, buffers));
	s->mnl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!s->mnl) {
		err = errno;
		goto fail;
	}
	s->fd = mnl_socket_get_fd(s->mnl);
	buffers_init(s);
	/* Set the buffer size before subscribing, so that the first burst of events finds the large
	 * buffer. */
	err = -receive_buffer_set(s->fd, buffer_bytes);
	if (!err && mnl_socket_bind(s->mnl, groups, MNL_SOCKET_AUTOPID) < 0)
		err = errno;
	if (err)
		goto fail;
	return s;
fail:
	nlsock_close(s);
	errno = err;
	return NULL;
}

void nlsock_close(struct nlsock *s)
{
	if (!s)
		return;
	if (s->mnl)
		mnl_socket_close(s->mnl);
	free(s);
}

int nlsock_fd(const struct nlsock *s)
{
	return s->fd;
}

uint32_t nlsock_port(const struct nlsock *s)
{
	return mnl_socket_get_portid(s->mnl);
}

uint32_t nlsock_buffer_bytes(const struct nlsock *s)
{
	int value = 0;
	socklen_t size = sizeof(value);

	if (getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &value, &size))
		return 0;
	return (uint32_t)value;
}

uint32_t nlsock_refused(const struct nlsock *s)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &size))
		return 0;
	return info[SK_MEMINFO_DROPS];
}

void nlsock_stats(const struct nlsock *s, struct nlsock_stats *out)
{
	*out = s->stats;
}

static bool is_from_kernel(struct nlsock *s, const struct msghdr *h)
{
	const struct sockaddr_nl *from = h->msg_name;

	if (h->msg_namelen == sizeof(*from) && from->nl_pid == 0)
		return true;
	s->stats.forged++;
	return false;
}

/* Return the error in an NLMSG_ERROR: a negative number, or 0 for an acknowledgement. */
static int error_of(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_len < MNL_ALIGN(sizeof(*nlh)) + sizeof(*e))
		return -EBADMSG;
	return e->error;
}

static void message_handle(struct nlsock *s, const struct nlmsghdr *nlh, nlsock_message_fn *fn,
			   void *data)
{
	if (nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
		fn(data, nlh);
	} else if (nlh->nlmsg_type == NLMSG_OVERRUN) {
		s->stats.overruns++;
		s->pending_error = -ENOBUFS;
	} else if (nlh->nlmsg_type == NLMSG_ERROR && !s->pending_error) {
		s->pending_error = error_of(nlh);
	}
}

static void datagram_handle(struct nlsock *s, const struct mmsghdr *m, nlsock_message_fn *fn,
			    void *data)
{
	const struct nlmsghdr *nlh = m->msg_hdr.msg_iov->iov_base;
	int left = (int)m->msg_len;

	if (!is_from_kernel(s, &m->msg_hdr))
		return;
	s->stats.datagrams++;
	trace_datagram(s->fd, TRACE_RECEIVED, nlh, (size_t)left);
	while (mnl_nlmsg_ok(nlh, left)) {
		message_handle(s, nlh, fn, data);
		nlh = mnl_nlmsg_next(nlh, &left);
	}
	if (left > 0 || (m->msg_hdr.msg_flags & MSG_TRUNC))
		s->stats.malformed++;
}

static int batch_receive(struct nlsock *s, nlsock_message_fn *fn, void *data, unsigned max)
{
	int n;

	do {
		n = recvmmsg(s->fd, s->headers, max, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno == EAGAIN)
			return 0;
		if (errno == ENOBUFS)
			s->stats.overruns++;
		return -errno;
	}
	for (int i = 0; i < n; i++)
		datagram_handle(s, &s->headers[i], fn, data);
	return n;
}

int nlsock_receive(struct nlsock *s, nlsock_message_fn *fn, void *data, int max)
{
	int total = 0;

	s->pending_error = 0;
	while (total < max) {
		unsigned want = max - total < BATCH ? (unsigned)(max - total) : BATCH;
		int n = batch_receive(s, fn, data, want);

		if (n < 0)
			return n;
		if (s->pending_error)
			return s->pending_error;
		total += n;
		/* If recvmmsg() returned fewer datagrams than requested, the queue is empty or an
		 * error occurred. The next call returns the error. */
		if (n < (int)want)
			break;
	}
	return total;
}

/* Search one datagram for the acknowledgement of request seq, and pass the messages of the reply to
 * fn. Return 0 or the -errno of the acknowledgement, or 1 if the datagram does not contain it. */
static int answer_handle(const struct nlmsghdr *nlh, int left, uint32_t seq, nlsock_message_fn *fn,
			 void *data)
{
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return error_of(nlh);
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && fn)
			fn(data, nlh);
	}
	return 1;
}

static int answer_receive(struct nlsock *s, uint32_t seq, nlsock_message_fn *fn, void *data)
{
	struct msghdr *h = &s->headers[0].msg_hdr;
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	ssize_t n;
	int ready = poll(&p, 1, REQUEST_TIMEOUT_MS);

	if (ready == 0)
		return -ETIMEDOUT;
	n = recvmsg(s->fd, h, MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	if (!is_from_kernel(s, h))
		return 1;
	trace_datagram(s->fd, TRACE_RECEIVED, h->msg_iov->iov_base, (size_t)n);
	return answer_handle(h->msg_iov->iov_base, (int)n, seq, fn, data);
}

int nlsock_request(struct nlsock *s, struct nlmsghdr *nlh, nlsock_message_fn *fn, void *data)
{
	int ret;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++s->seq;
	trace_datagram(s->fd, TRACE_SENT, nlh, nlh->nlmsg_len);
	if (mnl_socket_sendto(s->mnl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ret = answer_receive(s, nlh->nlmsg_seq, fn, data);
	} while (ret > 0);
	return ret;
}
