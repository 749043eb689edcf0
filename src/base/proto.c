/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proto.c - names of IP protocols.
 *
 * Pure: uses no name service and reads no file.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "waymark/base/proto.h"

static const struct {
	const char *name;
	uint8_t proto;
	bool is_printed; /* proto_name() returns this name; proto_parse() accepts every name */
} protos[] = {
	{"tcp", IPPROTO_TCP, true},    {"udp", IPPROTO_UDP, true},
	{"icmp", IPPROTO_ICMP, true},  {"icmpv6", IPPROTO_ICMPV6, true},
	{"sctp", IPPROTO_SCTP, true},  {"ipv6-icmp", IPPROTO_ICMPV6, false},
	{"igmp", IPPROTO_IGMP, false}, {"gre", IPPROTO_GRE, false},
	{"esp", IPPROTO_ESP, false},   {"ah", IPPROTO_AH, false},
	{"dccp", IPPROTO_DCCP, false}, {"udplite", IPPROTO_UDPLITE, false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *proto_name(uint8_t proto, char buf[PROTO_STRLEN])
{
	snprintf(buf, PROTO_STRLEN, "%u", proto);
	for (size_t i = 0; i < COUNT(protos); i++)
		if (protos[i].is_printed && protos[i].proto == proto)
			snprintf(buf, PROTO_STRLEN, "%s", protos[i].name);
	return buf;
}

int proto_parse(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; i < COUNT(protos); i++)
		if (strcasecmp(protos[i].name, text) == 0)
			return protos[i].proto;
	if (digits == 0 || digits > 3 || text[digits] != '\0' || atoi(text) > 255)
		return -EINVAL;
	return atoi(text);
}
