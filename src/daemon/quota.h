/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota.h - tracks how much of its quota each uplink has used in the current period (keys `quota`
 * and `quota-day`). Raises one alert at 80 % and one at 100 %. A restart of waymarkd does not raise
 * them again.
 *
 * Call quota_open() after the store is open and before the writer starts.
 */
#ifndef WAYMARK_SRC_DAEMON_QUOTA_H
#define WAYMARK_SRC_DAEMON_QUOTA_H

#include <stdint.h>

struct quota;
struct daemon;

int quota_open(struct daemon *d); /* 0 or -errno, logged */
void quota_close(struct daemon *d);
/* Add bytes that the uplink carried in both directions. */
void quota_add(struct daemon *d, uint8_t slot, int64_t now_ms, uint64_t bytes);
/* Raise the alerts that are due. End an alert when its period is over or the usage is below the
 * level of the alert. */
void quota_tick(struct daemon *d, int64_t now_ms);
/* Forget the state of a slot that now belongs to another uplink or to none. */
void quota_forget(struct daemon *d, uint8_t slot);

/* Return how many bytes the uplink has used of its quota in the current period. If the slot has no
 * uplink, return 0. */
uint64_t quota_used(const struct daemon *d, uint8_t slot);

#endif
