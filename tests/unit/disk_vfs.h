/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_vfs.h - a simulated disk that can fail in two ways. It hangs: whatever SQLite writes or
 * syncs waits meanwhile, as on hardware that retries; reads are served. It loses power: of the
 * data written since the last sync, some sectors are on the disk and some are not, in any
 * order.
 */
#ifndef DISK_VFS_H
#define DISK_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* Make it SQLite's default for files opened from now on; returns SQLite's code. */
int disk_vfs_register(void);

/* Hang for this long, from now on. */
void disk_vfs_stall(int64_t ms);

/* Return the number of writes and syncs that have waited. */
unsigned disk_vfs_waits(void);

/* Observe, from now on, the files whose names begin with path. */
void disk_vfs_remember(const char *path);
/* Write these files as path plus the rest of their names, as they could be after a loss of power
 * now, by chance of the seed. Return the number of unsynced writes, or -errno. */
int disk_vfs_lose_power(const char *path, uint32_t seed);
void disk_vfs_forget(void);

#endif
