/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoints.c - formats endpoints as text.
 */
#include "waymark/base/endpoints.h"

#include <stdbool.h>
#include <stdio.h>

#include "waymark/base/proto.h"

static int side_format(const struct addr *a, uint16_t port, char *buf, size_t size)
{
	char text[ADDR_STRLEN];
	bool has_brackets = a->family == AF_INET6;

	return snprintf(buf, size, "%s%s%s:%u", has_brackets ? "[" : "", addr_format(a, text),
			has_brackets ? "]" : "", port);
}

const char *endpoints_format(const struct endpoints *e, uint8_t proto, char buf[ENDPOINTS_STRLEN])
{
	char name[PROTO_STRLEN], src[ADDR_STRLEN + 8], dst[ADDR_STRLEN + 8];

	side_format(&e->src, e->sport, src, sizeof(src));
	side_format(&e->dst, e->dport, dst, sizeof(dst));
	snprintf(buf, ENDPOINTS_STRLEN, "%s %s > %s", proto_name(proto, name), src, dst);
	return buf;
}
