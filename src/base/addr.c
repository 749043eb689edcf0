/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr.c - IPv4 and IPv6 addresses and prefixes as values.
 *
 * Pure: no name lookups, no sockets. This file formats addresses itself, because stored
 * rows and golden files need one format: C libraries differ, and not all follow RFC 5952
 * for all addresses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/base/addr.h"

#define IPV6_WORDS 8

unsigned addr_size(int family)
{
	switch (family) {
	case AF_INET:
		return 4;
	case AF_INET6:
		return 16;
	default:
		return 0;
	}
}

void addr_set(struct addr *a, int family, const void *data)
{
	memset(a, 0, sizeof(*a));
	if (addr_size(family) == 0)
		return;
	a->family = (uint8_t)family;
	memcpy(a->bytes, data, addr_size(family));
}

bool addr_is_none(const struct addr *a)
{
	return addr_size(a->family) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, addr_size(a->family));
}

bool addr_is_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

static unsigned ipv6_word(const uint8_t *bytes, unsigned i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* "::" replaces the longest run of zero words, if it has at least two words; of several equally
 * long runs, it replaces the first (RFC 5952, 4.2). Return the length of this run and set *start to
 * its first word. Return 0 if there is no such run. */
static unsigned ipv6_zero_run(const uint8_t *bytes, unsigned n_words, unsigned *start)
{
	unsigned best = 1, length = 0;

	*start = 0;
	for (unsigned i = 0; i < n_words; i++) {
		length = ipv6_word(bytes, i) == 0 ? length + 1 : 0;
		if (length > best) {
			best = length;
			*start = i + 1 - length;
		}
	}
	return best > 1 ? best : 0;
}

static bool ipv6_is_mapped(const uint8_t *bytes)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(bytes, prefix, sizeof(prefix)) == 0;
}

static void ipv6_format(const uint8_t *bytes, char buf[ADDR_STRLEN])
{
	unsigned n_words = ipv6_is_mapped(bytes) ? IPV6_WORDS - 2 : IPV6_WORDS;
	unsigned start, i = 0;
	unsigned length = ipv6_zero_run(bytes, n_words, &start);
	size_t used = 0;

	while (i < n_words) {
		if (length && i == start) {
			used += (size_t)snprintf(buf + used, ADDR_STRLEN - used, "::");
			i += length;
			continue;
		}
		used += (size_t)snprintf(buf + used, ADDR_STRLEN - used, "%s%x",
					 used && buf[used - 1] != ':' ? ":" : "",
					 ipv6_word(bytes, i));
		i++;
	}
	if (n_words < IPV6_WORDS)
		snprintf(buf + used, ADDR_STRLEN - used, ":%u.%u.%u.%u", bytes[12], bytes[13],
			 bytes[14], bytes[15]);
}

const char *addr_format(const struct addr *a, char buf[ADDR_STRLEN])
{
	const uint8_t *b = a->bytes;

	buf[0] = '\0';
	if (a->family == AF_INET)
		snprintf(buf, ADDR_STRLEN, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else if (a->family == AF_INET6)
		ipv6_format(b, buf);
	return buf;
}

int addr_parse(struct addr *a, const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t bytes[16];

	if (inet_pton(family, text, bytes) != 1)
		return -EINVAL;
	addr_set(a, family, bytes);
	return 0;
}

int addr_port_parse(struct addr *a, int32_t *port, const char *text)
{
	char copy[ADDR_STRLEN + 8], *colon, *host = copy;
	size_t length = strlen(text), digits;

	*port = -1;
	if (!addr_parse(a, text))
		return 0;
	if (length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, length + 1);
	colon = strrchr(copy, ':');
	digits = colon ? strspn(colon + 1, "0123456789") : 0;
	if (!digits || digits > 5 || colon[1 + digits] || atoi(colon + 1) > UINT16_MAX)
		return -EINVAL;
	*port = atoi(colon + 1);
	*colon = '\0';
	if (*copy == '[' && colon > copy && colon[-1] == ']') {
		colon[-1] = '\0';
		host++;
	} else if (strchr(copy, ':')) {
		return -EINVAL;
	}
	return addr_parse(a, host);
}

const char *prefix_format(const struct prefix *p, char buf[PREFIX_STRLEN])
{
	char text[ADDR_STRLEN];

	snprintf(buf, PREFIX_STRLEN, "%s/%u", addr_format(&p->addr, text), p->len);
	return buf;
}

/* Parse a prefix length of up to three digits, without sign, blank or leading zero. */
static int prefix_parse_length(const char *text, unsigned max, uint8_t *len)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value;

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return -EINVAL;
	if (text[0] == '0' && digits > 1)
		return -EINVAL;
	value = strtoul(text, NULL, 10);
	if (value > max)
		return -EINVAL;
	*len = (uint8_t)value;
	return 0;
}

int prefix_parse(struct prefix *p, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char buf[ADDR_STRLEN];
	struct prefix parsed;

	if (length >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, length);
	buf[length] = '\0';
	if (addr_parse(&parsed.addr, buf) < 0)
		return -EINVAL;
	parsed.len = (uint8_t)(8 * addr_size(parsed.addr.family));
	if (slash && prefix_parse_length(slash + 1, parsed.len, &parsed.len) < 0)
		return -EINVAL;
	*p = parsed;
	return 0;
}

void prefix_truncate(struct prefix *p)
{
	unsigned size = addr_size(p->addr.family);
	unsigned whole = p->len / 8;

	for (unsigned i = whole; i < size; i++) {
		unsigned keep = i == whole ? p->len % 8U : 0;

		p->addr.bytes[i] &= (uint8_t)(0xff00U >> keep);
	}
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	struct prefix net = *p, other = {*a, p->len};

	prefix_truncate(&net);
	prefix_truncate(&other);
	return !addr_is_none(a) && addr_is_equal(&net.addr, &other.addr);
}

bool prefix_is_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_is_equal(&a->addr, &b->addr);
}
