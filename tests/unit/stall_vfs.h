/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall_vfs.h - a disk that stands still when told to: everything that SQLite writes
 * or syncs waits meanwhile, as it does on hardware that retries. Reads are served.
 */
#ifndef STALL_VFS_H
#define STALL_VFS_H

#include <stdint.h>

/* SQLite's default from then on, for files that are opened then. SQLite's code. */
int stall_vfs_register(void);

/* From now on for so long. */
void stall_vfs_begin(int64_t ms);

/* How many writes and syncs have waited. */
unsigned stall_vfs_waits(void);

#endif
