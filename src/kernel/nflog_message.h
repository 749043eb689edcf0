/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog_message.h - one NFLOG message as a struct stray_packet.
 */
#ifndef WAYMARK_SRC_KERNEL_NFLOG_MESSAGE_H
#define WAYMARK_SRC_KERNEL_NFLOG_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>

#include "waymark/base/event.h"

/* Fills *p. has_seq: the message carried a sequence number. 0, or -EBADMSG when
 * it holds no packet, or one that cannot be read; p->seq is right even then. */
int nflog_message_decode(const struct nlmsghdr *nlh, struct stray_packet *p, bool *has_seq);

#endif
