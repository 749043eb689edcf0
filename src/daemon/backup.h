/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup.h - watches backup uplinks, which new flows use while no uplink of a lower tier is usable.
 * Raises an alert while a backup is used. With on-uplink-up = "return", deletes the flows that
 * began on the backup when a lower tier is usable again, so that they are re-established there.
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
	uint64_t returned; /* flows that were deleted to return */
};
void backup_stats(const struct daemon *d, struct backup_stats *out);

#endif
