/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr.h - IPv4 and IPv6 addresses and prefixes as values.
 *
 * Pure: knows libc only.
 */
#ifndef WAYMARK_BASE_ADDR_H
#define WAYMARK_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address; AF_UNSPEC is "none". An IPv4 address uses the first 4 bytes; the others are 0.
 * Bytes are in network order. */
struct addr {
	uint8_t family;
	uint8_t bytes[16];
};

struct prefix {
	struct addr addr;
	uint8_t len; /* bits */
};

/* Size of a buffer that holds any address as text (INET6_ADDRSTRLEN). */
#define ADDR_STRLEN 46
/* Size of a buffer that holds any prefix as text, "/128" included. */
#define PREFIX_STRLEN 50

/* Set *a to the in_addr or in6_addr at data. */
void addr_set(struct addr *a, int family, const void *data);

bool addr_is_none(const struct addr *a);
bool addr_is_equal(const struct addr *a, const struct addr *b);
/* Compare two addresses: by family, then by bytes. Return <0, 0 or >0. */
int addr_compare(const struct addr *a, const struct addr *b);

/* Return the size in bytes of an address of this family: 4, 16, or 0 for none. */
unsigned addr_size(int family);

/* Write the address to buf in the form of RFC 5952 ("" for none) and return buf. */
const char *addr_format(const struct addr *a, char buf[ADDR_STRLEN]);

/* Parse an IPv4 dotted quad or an IPv6 address. Return 0 or -EINVAL. */
int addr_parse(struct addr *a, const char *text);

/* Parse "192.0.2.1:80", "[2001:db8::1]:80", or an address alone, which sets *port to -1. An IPv6
 * address with a port needs brackets. Return 0 or -EINVAL. */
int addr_port_parse(struct addr *a, int32_t *port, const char *text);

/* Write the prefix to buf as "192.168.1.0/24", without clearing host bits, and return buf. */
const char *prefix_format(const struct prefix *p, char buf[PREFIX_STRLEN]);

/* Parse "ADDR/LEN", or "ADDR" as a prefix of full length. Return 0 or -EINVAL. */
int prefix_parse(struct prefix *p, const char *text);

/* Clear the host bits: 192.168.1.10/24 becomes 192.168.1.0/24. */
void prefix_truncate(struct prefix *p);

bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_is_equal(const struct prefix *a, const struct prefix *b);

#endif
