/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proto.h - the names of IP protocols, the same on every machine: /etc/protocols
 * is not there on all of them.
 */
#ifndef WAYMARK_BASE_PROTO_H
#define WAYMARK_BASE_PROTO_H

#include <stdint.h>

#define PROTO_STRLEN 8 /* of any name that proto_name gives */

/* "tcp", "udp", "icmp", "icmpv6", "sctp", or the number; as the view 'flows'
 * has it. Writes to buf and returns it. */
const char *proto_name(uint8_t proto, char buf[PROTO_STRLEN]);

/* A name (those above, and gre, esp, ah, igmp, dccp, udplite, ipv6-icmp; case
 * does not matter) or a number to 0..255, or -EINVAL. */
int proto_parse(const char *text);

#endif
