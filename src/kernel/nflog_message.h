/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog_message.h - decodes one NFLOG message as a struct stray_packet.
 */
#ifndef WAYMARK_SRC_KERNEL_NFLOG_MESSAGE_H
#define WAYMARK_SRC_KERNEL_NFLOG_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>

#include "waymark/base/event.h"

/* Decode a message into *p. Set *has_seq to whether the message has a sequence number, which is
 * then in p->seq. Return 0, or -EBADMSG if the message has no packet or if the message or the
 * packet cannot be decoded; *has_seq and p->seq are also set in this case. */
int nflog_message_decode(const struct nlmsghdr *nlh, struct stray_packet *p, bool *has_seq);

#endif
