/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address_cut.h - SQL functions that cut addresses to a prefix, for the writing connection. Cutting
 * an address again does not change it.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_ADDRESS_CUT_H
#define WAYMARK_SRC_STORE_WRITE_ADDRESS_CUT_H

#include <sqlite3.h>
#include <stdint.h>

struct address_cut {
	uint8_t ipv4_bits, ipv6_bits;
};

/* Register address_cut(ADDRESS), for an address as the tables encode it, and text_cut(TEXT), for
 * each address in a message. cut must outlive the connection. Return SQLite's result code. */
int address_cut_register(sqlite3 *db, struct address_cut *cut);

#endif
