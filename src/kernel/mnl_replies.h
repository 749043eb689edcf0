/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mnl_replies.h - the replies to one netlink request: what the adapters that ask one
 * thing at a time have in common. Must not know what the messages mean.
 */
#ifndef WAYMARK_SRC_KERNEL_MNL_REPLIES_H
#define WAYMARK_SRC_KERNEL_MNL_REPLIES_H

#include <libmnl/libmnl.h>
#include <stdint.h>

/* The kernel fills a dump's buffer of up to 32 KiB if it is offered. */
#define MNLREPLIES_BYTES 32768

/* Reads replies to request seq into buffer (MNLREPLIES_BYTES) until the kernel says
 * done or an error. 0 or -errno; -EINTR: the dump was torn. */
int mnl_replies_read(struct mnl_socket *socket, char *buffer, uint32_t seq, mnl_cb_t fn,
		     void *data);

/* Wait for the next datagram of the kernel's; those of other senders are dropped. Return its
 * size, or -errno (-EBADMSG: cut short, or a length inside is wrong). */
ssize_t mnl_replies_receive(struct mnl_socket *socket, char *buffer, size_t size);

#endif
