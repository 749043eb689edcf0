/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoints.h - the endpoints of one direction of a flow, or of a packet.
 */
#ifndef WAYMARK_BASE_ENDPOINTS_H
#define WAYMARK_BASE_ENDPOINTS_H

#include <stdint.h>

#include "waymark/base/addr.h"

/* The endpoints of one direction. Ports are in host order. ICMP and ICMPv6: sport is the
 * identifier, dport is type << 8 | code of this direction (the types of an echo request and its
 * reply differ). GRE: the ports are the keys. Protocols without ports: both are 0. */
struct endpoints {
	struct addr src, dst;
	uint16_t sport, dport;
};

/* Write "udp 192.0.2.1:53 > [2001:db8::1]:4000" to buf and return buf. */
#define ENDPOINTS_STRLEN 128
const char *endpoints_format(const struct endpoints *e, uint8_t proto, char buf[ENDPOINTS_STRLEN]);

#endif
