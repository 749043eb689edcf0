/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_reserve.h - disk space reserved beside the database for a full disk: the log can be moved
 * into the database only if there is room, and nothing can be deleted before.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_DISK_RESERVE_H
#define WAYMARK_SRC_STORE_WRITE_DISK_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

/* Twice the log's size between two checkpoints. */
#define DISK_RESERVE_BYTES (INT64_C(16) << 20)

/* Make the reserve if it is missing and the disk has plenty of room. Return whether it has plenty
 * of room. */
bool disk_reserve_keep(const char *database);

/* Free the reserve. Return whether it existed. */
bool disk_reserve_spend(const char *database);

#endif
