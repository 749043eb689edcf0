/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ct_entries.h - creates conntrack entries through ctnetlink.
 *
 * For tests inside a sandbox; a request that fails fails the test.
 */
#ifndef WAYMARK_TESTS_UNIT_CT_ENTRIES_H
#define WAYMARK_TESTS_UNIT_CT_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

struct mnl_socket;

struct ct_entry {
	uint8_t proto;
	const char *src, *dst; /* original */
	const char *reply_dst; /* NULL: src, no NAT */
	uint16_t sport, dport; /* of ICMP: identifier, type << 8 | code */
	uint16_t reply_dport;  /* 0: sport */
	uint32_t mark;
	uint16_t zone, orig_zone;
};

/* Write the request that creates the entry; return its size. */
size_t ct_entry_put(void *buffer, const struct ct_entry *e);

struct mnl_socket *ct_socket_open(void);

void ct_entry_create(const struct ct_entry *e);

/* Create n UDP entries without waiting for replies. */
void ct_entries_create(int n);

/* Delete all entries. */
void ct_flush(void);

#endif
