/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoints.h - one direction of a flow, or of a packet.
 */
#ifndef WAYMARK_BASE_ENDPOINTS_H
#define WAYMARK_BASE_ENDPOINTS_H

#include <stdint.h>

#include "waymark/base/addr.h"

/* Ports are in host order. ICMP and ICMPv6: sport is the identifier, dport is
 * type << 8 | code of that direction (an echo reply has its own type). GRE: the
 * ports are its keys. Protocols without ports: both are 0. */
struct endpoints {
	struct addr src, dst;
	uint16_t sport, dport;
};

/* "udp 192.0.2.1:53 > [2001:db8::1]:4000"; returns buf. */
#define ENDPOINTS_STRLEN 128
const char *endpoints_format(const struct endpoints *e, uint8_t proto, char buf[ENDPOINTS_STRLEN]);

#endif
