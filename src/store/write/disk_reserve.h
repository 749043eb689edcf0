/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_reserve.h - keeps a reserve file beside the database. When the disk is full, the writer
 * deletes this file to have space for the deletion of rows. Space is needed because a deletion
 * makes the write-ahead log grow, and the next checkpoint can make the database grow.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_DISK_RESERVE_H
#define WAYMARK_SRC_STORE_WRITE_DISK_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

/* Size of the reserve: twice the size of the write-ahead log at which a checkpoint is due. */
#define DISK_RESERVE_BYTES (INT64_C(16) << 20)

/* Create the reserve if it is missing and the disk has plenty of free space. Return whether the
 * disk has plenty of free space. */
bool disk_reserve_keep(const char *database);

/* Delete the reserve. Return whether it existed. */
bool disk_reserve_spend(const char *database);

#endif
