/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoints.h - the source and destination of a packet, or of one direction of a flow.
 */
#ifndef WAYMARK_BASE_ENDPOINTS_H
#define WAYMARK_BASE_ENDPOINTS_H

#include <stdint.h>

#include "waymark/base/addr.h"

/* Addresses and ports, in host byte order. For ICMP and ICMPv6, sport is the identifier, and dport
 * is type << 8 | code of this direction (an echo request and its reply differ in the type). For
 * GRE, the ports are the keys. For protocols without ports, both are 0. */
struct endpoints {
	struct addr src, dst;
	uint16_t sport, dport;
};

/* Write "udp 192.0.2.1:53 > [2001:db8::1]:4000" to buf and return buf. */
#define ENDPOINTS_STRLEN 128
const char *endpoints_format(const struct endpoints *e, uint8_t proto, char buf[ENDPOINTS_STRLEN]);

#endif
