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
	uint64_t holes;	   /* number of lost messages, from gaps in the sequence numbers
			    * (NFULA_SEQ) */
	uint32_t buffer_bytes;
};

/* Bind the group and request sequence numbers. The kernel then copies the first 128 bytes of each
 * packet, and sends each message at once (qthreshold 1). Also request the attribute NFULA_CT, if
 * the kernel supports this attribute. Return NULL with errno on failure: EBUSY if another process
 * owns the group, EPERM, ... */
struct nflog *nflog_open(uint16_t group, uint32_t buffer_bytes);
void nflog_close(struct nflog *n);
int nflog_fd(const struct nflog *n);

/* Read packets and call fn for each one. The return value is that of conntrack_receive(). Add the
 * number of lost messages to *holes. Gaps in the sequence numbers show how many messages were lost.
 * The numbers start with 0 when the group is bound, so a lost first message is counted too. */
int nflog_receive(struct nflog *n, nflog_packet_fn *fn, void *data, int max, uint64_t *holes);

void nflog_stats(const struct nflog *n, struct nflog_stats *out);

/* Set tuple, proto and the is_icmp_ flags from the bytes of an IPv4 or IPv6 packet. Return 0, or
 * -EBADMSG if the packet is malformed, or truncated before the end of its addresses. For an ICMP
 * error, use the addresses of the packet inside the error. Pure; exported for tests and fuzzing. */
int nflog_decode_payload(struct stray_packet *p, const uint8_t *bytes, size_t size);

#endif
