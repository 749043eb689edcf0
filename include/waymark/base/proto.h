/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proto.h - names of IP protocols. They are compiled in, because /etc/protocols is missing
 * on some machines.
 */
#ifndef WAYMARK_BASE_PROTO_H
#define WAYMARK_BASE_PROTO_H

#include <stdint.h>

#define PROTO_STRLEN 8 /* size of a buffer for any name that proto_name() writes */

/* Write "tcp", "udp", "icmp", "icmpv6", "sctp" or the number to buf and return buf. The view
 * 'flows' of the history uses the same names. */
const char *proto_name(uint8_t proto, char buf[PROTO_STRLEN]);

/* Parse a protocol. `text` is its number, a name that proto_name() writes, or one of gre, esp, ah,
 * igmp, dccp, udplite and ipv6-icmp, in upper or lower case. Return the number (0 to 255) or
 * -EINVAL. */
int proto_parse(const char *text);

#endif
