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
	uint64_t messages, parse_errors, forged; /* as in struct conntrack_stats */
	uint64_t overruns;			 /* reads that returned ENOBUFS */
	uint64_t holes;	       /* lost messages: the numbers missing in the sequence (NFULA_SEQ) */
	uint32_t buffer_bytes; /* size of the receive buffer as the kernel granted it */
};

/* Bind the group. Ask the kernel for the first 128 bytes of each packet, for sequence numbers, for
 * the conntrack entry (NFULA_CT, if supported), and to send each message at once (qthreshold 1).
 * Return NULL with errno on failure: EBUSY if another process owns the group, EPERM, ... */
struct nflog *nflog_open(uint16_t group, uint32_t buffer_bytes);
void nflog_close(struct nflog *n);
int nflog_fd(const struct nflog *n);

/* Read at most max messages and call fn for each packet. Return what conntrack_receive() returns.
 * Add to *holes the number of lost messages, which the missing sequence numbers show. The first
 * number after the bind is 0, so a lost first message is counted too. */
int nflog_receive(struct nflog *n, nflog_packet_fn *fn, void *data, int max, uint64_t *holes);

void nflog_stats(const struct nflog *n, struct nflog_stats *out);

/* Set tuple, proto and the is_icmp_ flags from the bytes of an IPv4 or IPv6 packet. Return 0, or
 * -EBADMSG if the packet is malformed, or truncated before the end of its addresses. For an ICMP
 * error, use the addresses of the packet inside the error. Pure; exported for tests and fuzzing. */
int nflog_decode_payload(struct stray_packet *p, const uint8_t *bytes, size_t size);

#endif
