/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.h - what each uplink carries, by the kernel's counters: read every few seconds,
 * written in bins of five minutes, counted on by the next daemon. Opened after coverage,
 * before the writer.
 */
#ifndef WAYMARK_SRC_DAEMON_USAGE_H
#define WAYMARK_SRC_DAEMON_USAGE_H

#include <stdint.h>

struct usage;
struct daemon;

int usage_open(struct daemon *d); /* 0 or -errno, logged */
void usage_close(struct daemon *d);
void usage_tick(struct daemon *d, int64_t now_ms);
/* Write the counts so far: before the writer stops, and before slots change. */
void usage_write(struct daemon *d, int64_t now_ms);
/* Read the counters: right before and after a load of the ruleset, which sets them back. */
void usage_read(struct daemon *d, int64_t now_ms);
/* Forget the state of this slot: another uplink has it now, or none. */
void usage_forget(struct daemon *d, uint8_t slot);

/* Bytes of the uplink's interface since this daemon has the uplink. */
struct usage_totals {
	uint64_t sent_bytes, received_bytes;
};
void usage_totals(const struct daemon *d, uint8_t slot, struct usage_totals *out);

#endif
