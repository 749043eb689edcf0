/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog.h - reads one NFLOG group with libmnl, and decodes its messages as struct stray_packet.
 */
#ifndef WAYMARK_KERNEL_NFLOG_H
#define WAYMARK_KERNEL_NFLOG_H

#include <stddef.h>
#include <stdint.h>

#include "waymark/base/event.h"

struct nflog;

typedef void nflog_packet_fn(void *data, const struct stray_packet *p);

struct nflog_stats {
	uint64_t messages, parse_errors, forged;
	uint64_t overruns; /* reads that returned ENOBUFS */
	uint64_t holes;	   /* messages lost, by gaps in the sequence numbers (NFULA_SEQ) */
	uint32_t buffer_bytes;
};

/* Bind the group and request sequence numbers. The first 128 bytes of each packet are copied, and
 * each message is sent at once (qthreshold 1). The attribute NFULA_CT is requested, too, unless the
 * kernel does not support it (EOPNOTSUPP). Return NULL with errno on failure: EBUSY if another
 * process owns the group, EPERM, ... */
struct nflog *nflog_open(uint16_t group, uint32_t buffer_bytes);
void nflog_close(struct nflog *n);
int nflog_fd(const struct nflog *n);

/* Read packets as conntrack_receive() reads events. *holes is increased by the number of messages
 * that are missing by their sequence numbers. The numbers begin with 0 when the group is bound, so
 * that even a lost first message is noticed. */
int nflog_receive(struct nflog *n, nflog_packet_fn *fn, void *data, int max, uint64_t *holes);

void nflog_stats(const struct nflog *n, struct nflog_stats *out);

/* Set tuple, proto and the is_icmp_ flags from the bytes of an IPv4 or IPv6 packet. Return 0, or
 * -EBADMSG if the packet is malformed or truncated before the end of its addresses (in an ICMP
 * error: of the addresses of the packet inside). Pure; exported for tests and fuzzing. */
int nflog_decode_payload(struct stray_packet *p, const uint8_t *bytes, size_t size);

#endif
