/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_table.h - asks the kernel about one nftables table, without libnftables.
 */
#ifndef WAYMARK_KERNEL_NFT_TABLE_H
#define WAYMARK_KERNEL_NFT_TABLE_H

#include <stdbool.h>

/* Return whether this table of family inet remained when the process that owned it ended. The table
 * then has the flag persist and no owner. Return false also if the kernel does not answer. */
bool nft_table_is_left(const char *table);

#endif
