/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel.c - the channel is a SOCK_SEQPACKET socket pair, which keeps frames apart. A file
 * descriptor can be sent together with a frame (SCM_RIGHTS).
 */
#include "talker/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int channel_open(int ends[2], int bytes)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return -errno;
	/* Without CAP_NET_ADMIN the buffer is limited to net.core.wmem_max. */
	if (setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

int channel_send(int fd, struct frame *f, int pass_fd)
{
	struct iovec part = {f->bytes, f->n};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	union control control = {{0}};
	int err = frame_end(f);

	if (err)
		return err;
	if (pass_fd >= 0) {
		struct cmsghdr *c;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(pass_fd));
	}
	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ENOBUFS || errno == ENOMEM || errno == EINTR ? -EAGAIN
	       : errno == ECONNRESET				     ? -EPIPE
								     : -errno;
}

static int passed_take(struct msghdr *message)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int channel_receive(int fd, struct frame *f, int *passed_fd)
{
	union control control;
	struct iovec part = {f->bytes, sizeof(f->bytes)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int err;

	*passed_fd = -1;
	if (n < 0)
		return errno == EINTR ? -EAGAIN : errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	*passed_fd = passed_take(&message);
	err = message.msg_flags & MSG_TRUNC ? -EBADMSG : frame_open(f, (size_t)n);
	if (err && *passed_fd >= 0) {
		close(*passed_fd);
		*passed_fd = -1;
	}
	return err;
}
