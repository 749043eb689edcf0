/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mnl_replies.h - reads the replies to one netlink request, for the adapters that send one request
 * at a time. Must not know what the messages mean.
 */
#ifndef WAYMARK_SRC_KERNEL_MNL_REPLIES_H
#define WAYMARK_SRC_KERNEL_MNL_REPLIES_H

#include <libmnl/libmnl.h>
#include <stdint.h>

/* Size of a read buffer. The kernel sends at most 32 KiB of a dump per read. */
#define MNLREPLIES_BYTES 32768

/* Read the replies to request `seq` and pass each to fn, until the kernel reports the end or an
 * error. `buffer` has MNLREPLIES_BYTES. Return 0 or -errno (-EINTR: the kernel marked the dump as
 * inconsistent, NLM_F_DUMP_INTR). */
int mnl_replies_read(struct mnl_socket *socket, char *buffer, uint32_t seq, mnl_cb_t fn,
		     void *data);

/* Wait for the next datagram from the kernel. Datagrams from other senders are dropped. Return its
 * size, or -errno (-EBADMSG: truncated, or with an invalid length inside). */
ssize_t mnl_replies_receive(struct mnl_socket *socket, char *buffer, size_t size);

#endif
