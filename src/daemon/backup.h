/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup.h - traffic on a backup uplink: one that new flows use because no uplink of a
 * lower tier is usable. Raises the alert, and on-uplink-up = "return": deletes the flows
 * that began by the backup, once a lower tier is usable again, so that they are set up
 * again by it.
 */
#ifndef WAYMARK_SRC_DAEMON_BACKUP_H
#define WAYMARK_SRC_DAEMON_BACKUP_H

#include <stdint.h>

struct backup;
struct daemon;

int backup_open(struct daemon *d); /* 0 or -errno */
void backup_close(struct daemon *d);
void backup_tick(struct daemon *d, int64_t now_ms);
/* Forget the state of this slot: another uplink has it now, or none. */
void backup_forget(struct daemon *d, uint8_t slot);

struct backup_stats {
	uint64_t returned; /* flows that were deleted to return */
};
void backup_stats(const struct daemon *d, struct backup_stats *out);

#endif
