/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_vfs.h - a disk that fails when it is asked to. It stands still: everything that SQLite
 * writes or syncs waits meanwhile, as it does on hardware that retries; reads are served. It
 * loses power: of what was written and not synced, some sectors are on the disk and some are
 * not, in no order.
 */
#ifndef DISK_VFS_H
#define DISK_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* SQLite's default from then on, for files that are opened then. SQLite's code. */
int disk_vfs_register(void);

/* From now on for so long. */
void disk_vfs_stall(int64_t ms);

/* How many writes and syncs have waited. */
unsigned disk_vfs_waits(void);

/* Remembers from now on what is on the disk of the files whose names begin with path. */
void disk_vfs_remember(const char *path);
/* Writes these files as path and what follows it in their names, as they could be after a loss
 * of power now, by chance of the seed. The number of writes that were at stake, or -errno. */
int disk_vfs_lose_power(const char *path, uint32_t seed);
void disk_vfs_forget(void);

#endif
