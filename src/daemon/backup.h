/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup.h - watches backup uplinks, which new flows use while no uplink of a lower tier is usable.
 * Raises an alert while new flows use a backup.
 *
 * If on-uplink-up is "return", flows return when an uplink of a lower tier is usable again:
 * waymarkd deletes the flows that began on the backup, so that they are re-established on the
 * uplink of the lower tier.
 */
#ifndef WAYMARK_SRC_DAEMON_BACKUP_H
#define WAYMARK_SRC_DAEMON_BACKUP_H

#include <stdint.h>

struct backup;
struct daemon;

int backup_open(struct daemon *d); /* 0 or -errno */
void backup_close(struct daemon *d);
void backup_tick(struct daemon *d, int64_t now_ms);
/* Forget the state of a slot that now belongs to another uplink or to none. */
void backup_forget(struct daemon *d, uint8_t slot);

struct backup_stats {
	uint64_t returned; /* flows that were deleted so that they return */
};
void backup_stats(const struct daemon *d, struct backup_stats *out);

#endif
