/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota.h - how much of its quota each uplink has used in the running period (quota,
 * quota-day), and the alerts at 80 % and 100 %: each once per period, also across restarts.
 * Opened after the store, before the writer.
 */
#ifndef WAYMARK_SRC_DAEMON_QUOTA_H
#define WAYMARK_SRC_DAEMON_QUOTA_H

#include <stdint.h>

struct quota;
struct daemon;

int quota_open(struct daemon *d); /* 0 or -errno, logged */
void quota_close(struct daemon *d);
/* Add bytes that the uplink carried, both directions. */
void quota_add(struct daemon *d, uint8_t slot, int64_t now_ms, uint64_t bytes);
/* Raise and end alerts. */
void quota_tick(struct daemon *d, int64_t now_ms);
/* Forget the state of this slot: another uplink has it now, or none. */
void quota_forget(struct daemon *d, uint8_t slot);

/* Return the bytes of the running period. */
uint64_t quota_used(const struct daemon *d, uint8_t slot);

#endif
