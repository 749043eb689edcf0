/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog.h - one NFLOG group over libmnl: messages as struct stray_packet.
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
	uint64_t overruns; /* ENOBUFS answers */
	uint64_t holes;	   /* messages missing by NFULA_SEQ */
	uint32_t buffer_bytes;
};

/* Binds the group with sequence numbers, copying the first 128 bytes of each
 * packet, qthreshold 1 (a message at once). Asks for NFULA_CT and goes on
 * without where the kernel answers EOPNOTSUPP. NULL with errno: EBUSY where
 * another process owns the group, EPERM, ... */
struct nflog *nflog_open(uint16_t group, uint32_t buffer_bytes);
void nflog_close(struct nflog *n);
int nflog_fd(const struct nflog *n);

/* As conntrack_receive. *holes grows by the messages that are missing in the sequence, which
 * begins with the binding, so that a loss of the first message shows. */
int nflog_receive(struct nflog *n, nflog_packet_fn *fn, void *data, int max, uint64_t *holes);

void nflog_stats(const struct nflog *n, struct nflog_stats *out);

/* Pure, for tests and fuzzing: fills tuple, proto and the is_icmp_ flags from
 * the bytes of an IPv4 or IPv6 packet. 0, or -EBADMSG for one that is malformed
 * or cut before the end of its addresses (of an ICMP error: of those inside it). */
int nflog_decode_payload(struct stray_packet *p, const uint8_t *bytes, size_t size);

#endif
