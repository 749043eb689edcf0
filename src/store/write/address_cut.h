/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address_cut.h - SQL functions that cut addresses to a prefix (set their low bits to 0), for the
 * writing connection. To cut an address again does not change it.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_ADDRESS_CUT_H
#define WAYMARK_SRC_STORE_WRITE_ADDRESS_CUT_H

#include <sqlite3.h>
#include <stdint.h>

struct address_cut {
	uint8_t ipv4_bits, ipv6_bits;
};

/* Register two SQL functions: address_cut(ADDRESS) cuts an address that is encoded as in the
 * tables; text_cut(TEXT) cuts each address in a message. 'cut' must outlive the connection. Return
 * SQLite's result code. */
int address_cut_register(sqlite3 *db, struct address_cut *cut);

#endif
