/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace.c - prints one line per netlink message: topic, direction, type, family, attributes.
 *
 * If an attribute is missing in the tables, its number is printed instead of its name, and its
 * value is printed in hexadecimal. Must not change the messages, nor know why they were sent.
 */
#define _GNU_SOURCE /* asprintf */
#include "kernel/trace_internal.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/kernel/trace.h"

enum topic { TOPIC_RTNL, TOPIC_CONNTRACK, TOPIC_NFLOG, TOPIC_NFT, TOPICS };

static const char *const topic_names[TOPICS] = {"rtnl", "conntrack", "nflog", "nft"};
static unsigned topics_traced; /* bit set, one bit per topic */
static trace_line_fn *line_take;

/* --- what messages are made of ------------------------------------------------------- */

enum format { HEX, NUMBER, BIG_ENDIAN_NUMBER, ADDRESS, TEXT, NESTED };

struct attribute {
	uint16_t type;
	enum format format;
	const char *name; /* NULL: end of the list */
	const struct attribute *inner;
};

static const struct attribute link_attributes[] = {
	{IFLA_IFNAME, TEXT, "name", NULL},	 {IFLA_MTU, NUMBER, "mtu", NULL},
	{IFLA_GROUP, NUMBER, "group", NULL},	 {IFLA_OPERSTATE, NUMBER, "operstate", NULL},
	{IFLA_CARRIER, NUMBER, "carrier", NULL}, {0},
};
static const struct attribute address_attributes[] = {
	{IFA_ADDRESS, ADDRESS, "address", NULL},
	{IFA_LOCAL, ADDRESS, "local", NULL},
	{IFA_FLAGS, NUMBER, "flags", NULL},
	{0},
};
static const struct attribute route_attributes[] = {
	{RTA_DST, ADDRESS, "dst", NULL},
	{RTA_SRC, ADDRESS, "src", NULL},
	{RTA_OIF, NUMBER, "oif", NULL},
	{RTA_IIF, NUMBER, "iif", NULL},
	{RTA_GATEWAY, ADDRESS, "via", NULL},
	{RTA_PREFSRC, ADDRESS, "prefsrc", NULL},
	{RTA_PRIORITY, NUMBER, "metric", NULL},
	{RTA_TABLE, NUMBER, "table", NULL},
	{RTA_MARK, NUMBER, "mark", NULL},
	{RTA_MULTIPATH, HEX, "nexthops", NULL},
	{0},
};
static const struct attribute rule_attributes[] = {
	{FRA_DST, ADDRESS, "to", NULL},
	{FRA_SRC, ADDRESS, "from", NULL},
	{FRA_IIFNAME, TEXT, "iif", NULL},
	{FRA_OIFNAME, TEXT, "oif", NULL},
	{FRA_PRIORITY, NUMBER, "priority", NULL},
	{FRA_FWMARK, NUMBER, "fwmark", NULL},
	{FRA_FWMASK, NUMBER, "fwmask", NULL},
	{FRA_TABLE, NUMBER, "table", NULL},
	{FRA_GOTO, NUMBER, "goto", NULL},
	{FRA_SUPPRESS_PREFIXLEN, NUMBER, "suppress_prefixlength", NULL},
	{FRA_SUPPRESS_IFGROUP, NUMBER, "suppress_ifgroup", NULL},
	{FRA_PROTOCOL, NUMBER, "protocol", NULL},
	{0},
};
static const struct attribute ip_attributes[] = {
	{CTA_IP_V4_SRC, ADDRESS, "src", NULL},
	{CTA_IP_V4_DST, ADDRESS, "dst", NULL},
	{CTA_IP_V6_SRC, ADDRESS, "src", NULL},
	{CTA_IP_V6_DST, ADDRESS, "dst", NULL},
	{0},
};
static const struct attribute proto_attributes[] = {
	{CTA_PROTO_NUM, NUMBER, "proto", NULL},
	{CTA_PROTO_SRC_PORT, BIG_ENDIAN_NUMBER, "sport", NULL},
	{CTA_PROTO_DST_PORT, BIG_ENDIAN_NUMBER, "dport", NULL},
	{0},
};
static const struct attribute tuple_attributes[] = {
	{CTA_TUPLE_IP, NESTED, "ip", ip_attributes},
	{CTA_TUPLE_PROTO, NESTED, "l4", proto_attributes},
	{CTA_TUPLE_ZONE, BIG_ENDIAN_NUMBER, "zone", NULL},
	{0},
};
static const struct attribute counter_attributes[] = {
	{CTA_COUNTERS_PACKETS, BIG_ENDIAN_NUMBER, "packets", NULL},
	{CTA_COUNTERS_BYTES, BIG_ENDIAN_NUMBER, "bytes", NULL},
	{0},
};
static const struct attribute conntrack_attributes[] = {
	{CTA_TUPLE_ORIG, NESTED, "original", tuple_attributes},
	{CTA_TUPLE_REPLY, NESTED, "reply", tuple_attributes},
	{CTA_STATUS, BIG_ENDIAN_NUMBER, "status", NULL},
	{CTA_TIMEOUT, BIG_ENDIAN_NUMBER, "timeout", NULL},
	{CTA_MARK, BIG_ENDIAN_NUMBER, "mark", NULL},
	{CTA_ID, BIG_ENDIAN_NUMBER, "id", NULL},
	{CTA_ZONE, BIG_ENDIAN_NUMBER, "zone", NULL},
	{CTA_LABELS, HEX, "labels", NULL},
	{CTA_COUNTERS_ORIG, NESTED, "original", counter_attributes},
	{CTA_COUNTERS_REPLY, NESTED, "reply", counter_attributes},
	{0},
};
static const struct attribute nflog_attributes[] = {
	{NFULA_PREFIX, TEXT, "prefix", NULL},
	{NFULA_MARK, BIG_ENDIAN_NUMBER, "mark", NULL},
	{NFULA_IFINDEX_INDEV, BIG_ENDIAN_NUMBER, "in", NULL},
	{NFULA_IFINDEX_OUTDEV, BIG_ENDIAN_NUMBER, "out", NULL},
	{NFULA_SEQ, BIG_ENDIAN_NUMBER, "seq", NULL},
	{NFULA_CT, NESTED, "ct", conntrack_attributes},
	{NFULA_PAYLOAD, HEX, "payload", NULL},
	{0},
};
static const struct attribute nft_attributes[] = {
	{NFTA_TABLE_NAME, TEXT, "table", NULL},
	{0},
};
static const struct attribute generation_attributes[] = {
	{NFTA_GEN_ID, BIG_ENDIAN_NUMBER, "id", NULL},
	{NFTA_GEN_PROC_PID, BIG_ENDIAN_NUMBER, "pid", NULL},
	{NFTA_GEN_PROC_NAME, TEXT, "process", NULL},
	{0},
};

/* Messages of a topic with consecutive types: names[i] is the name of type first + i. */
static const struct message {
	enum topic topic;
	uint16_t first;
	const char *names[4];
	size_t header_bytes;
	const struct attribute *attributes;
} messages[] = {
#define NFNL(subsystem, type) (NFNL_SUBSYS_##subsystem << 8 | (type))
	{TOPIC_RTNL,
	 RTM_NEWLINK,
	 {"new link", "del link", "get link", "set link"},
	 sizeof(struct ifinfomsg),
	 link_attributes},
	{TOPIC_RTNL,
	 RTM_NEWADDR,
	 {"new address", "del address", "get address"},
	 sizeof(struct ifaddrmsg),
	 address_attributes},
	{TOPIC_RTNL,
	 RTM_NEWROUTE,
	 {"new route", "del route", "get route"},
	 sizeof(struct rtmsg),
	 route_attributes},
	{TOPIC_RTNL,
	 RTM_NEWRULE,
	 {"new rule", "del rule", "get rule"},
	 sizeof(struct fib_rule_hdr),
	 rule_attributes},
	{TOPIC_CONNTRACK,
	 NFNL(CTNETLINK, IPCTNL_MSG_CT_NEW),
	 {"new entry", "get entry", "delete entry", "get and zero entry"},
	 sizeof(struct nfgenmsg),
	 conntrack_attributes},
	{TOPIC_NFLOG,
	 NFNL(ULOG, NFULNL_MSG_PACKET),
	 {"packet", "config"},
	 sizeof(struct nfgenmsg),
	 nflog_attributes},
	{TOPIC_NFT,
	 NFNL(NFTABLES, NFT_MSG_NEWGEN),
	 {"new generation", "get generation"},
	 sizeof(struct nfgenmsg),
	 generation_attributes},
	{TOPIC_NFT,
	 NFNL(NFTABLES, NFT_MSG_NEWTABLE),
	 {"new table", "get table", "delete table"},
	 sizeof(struct nfgenmsg),
	 nft_attributes},
	{TOPIC_NFT,
	 NFNL(NFTABLES, NFT_MSG_NEWCHAIN),
	 {"new chain", "get chain", "delete chain"},
	 sizeof(struct nfgenmsg),
	 nft_attributes},
	{TOPIC_NFT,
	 NFNL(NFTABLES, NFT_MSG_NEWRULE),
	 {"new rule", "get rule", "delete rule"},
	 sizeof(struct nfgenmsg),
	 nft_attributes},
};

/* --- printing --------------------------------------------------------------------------- */

static void hex_print(FILE *out, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && i < 64; i++)
		fprintf(out, "%02x", bytes[i]);
	if (n > 64)
		fprintf(out, "...(%zu bytes)", n);
}

static void number_print(FILE *out, const uint8_t *bytes, size_t n, bool is_big_endian)
{
	uint64_t value = 0;

	if (n > sizeof(value)) {
		hex_print(out, bytes, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		bool is_first_high = is_big_endian || __BYTE_ORDER == __BIG_ENDIAN;

		value = value << 8 | bytes[is_first_high ? i : n - 1 - i];
	}
	fprintf(out, "%llu", (unsigned long long)value);
}

static void address_print(FILE *out, const uint8_t *bytes, size_t n)
{
	char text[INET6_ADDRSTRLEN];

	if (n != 4 && n != 16)
		hex_print(out, bytes, n);
	else
		fputs(inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)), out);
}

static void text_print(FILE *out, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && bytes[i]; i++)
		fputc(bytes[i] > ' ' && bytes[i] < 0x7f ? bytes[i] : '?', out);
}

static const struct attribute *attribute_find(const struct attribute *list, uint16_t type)
{
	for (; list && list->name; list++)
		if (list->type == type)
			return list;
	return NULL;
}

static void attributes_print(FILE *out, const uint8_t *bytes, size_t size,
			     const struct attribute *list, int depth);

static void value_print(FILE *out, const struct attribute *a, const uint8_t *bytes, size_t n,
			int depth)
{
	switch (a ? a->format : HEX) {
	case NUMBER:
	case BIG_ENDIAN_NUMBER:
		number_print(out, bytes, n, a->format == BIG_ENDIAN_NUMBER);
		break;
	case ADDRESS:
		address_print(out, bytes, n);
		break;
	case TEXT:
		text_print(out, bytes, n);
		break;
	case NESTED:
		fputc('{', out);
		attributes_print(out, bytes, n, a->inner, depth + 1);
		fputs(" }", out);
		break;
	default:
		hex_print(out, bytes, n);
	}
}

/* Print attributes. Their lengths come from the sender, so each one is checked. */
static void attributes_print(FILE *out, const uint8_t *bytes, size_t size,
			     const struct attribute *list, int depth)
{
	while (size >= sizeof(struct nlattr) && depth < 8) {
		const struct attribute *a;
		struct nlattr header;
		size_t step;

		memcpy(&header, bytes, sizeof(header));
		if (header.nla_len < sizeof(header) || header.nla_len > size)
			return;
		a = attribute_find(list, header.nla_type & NLA_TYPE_MASK);
		if (a)
			fprintf(out, " %s=", a->name);
		else
			fprintf(out, " #%d=", header.nla_type & NLA_TYPE_MASK);
		value_print(out, a, bytes + sizeof(header), header.nla_len - sizeof(header), depth);
		step = MNL_ALIGN(header.nla_len);
		step = step < size ? step : size;
		bytes += step;
		size -= step;
	}
}

static const struct message *message_find(bool is_route, const struct nlmsghdr *nlh)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		const struct message *m = &messages[i];
		unsigned at = nlh->nlmsg_type - (unsigned)m->first;

		if ((m->topic == TOPIC_RTNL) == is_route && at < 4 && m->names[at])
			return m;
	}
	return NULL;
}

/* Return the topic of a message. */
static enum topic topic_of(bool is_route, const struct nlmsghdr *nlh)
{
	switch (is_route ? -1 : NFNL_SUBSYS_ID(nlh->nlmsg_type)) {
	case NFNL_SUBSYS_CTNETLINK:
	case NFNL_SUBSYS_CTNETLINK_EXP:
		return TOPIC_CONNTRACK;
	case NFNL_SUBSYS_ULOG:
		return TOPIC_NFLOG;
	case NFNL_SUBSYS_NFTABLES:
		return TOPIC_NFT;
	default:
		return TOPIC_RTNL;
	}
}

/* Print the header of a route or rule. fib_rule_hdr has the layout of rtmsg, with the rule's action
 * in place of the route's type. */
static void route_header_print(FILE *out, const struct rtmsg *m)
{
	fprintf(out, " dst_len=%u src_len=%u table=%u protocol=%u type=%u", m->rtm_dst_len,
		m->rtm_src_len, m->rtm_table, m->rtm_protocol, m->rtm_type);
}

static void body_print(FILE *out, const struct message *m, const struct nlmsghdr *nlh)
{
	const uint8_t *body = (const uint8_t *)nlh + NLMSG_HDRLEN;
	size_t size = nlh->nlmsg_len - NLMSG_HDRLEN;
	size_t header = m ? MNL_ALIGN(m->header_bytes) : 0;

	if (!m || size < header) {
		fputs(" body=", out);
		hex_print(out, body, size);
		return;
	}
	fprintf(out, " family=%u", body[0]);
	if (m->attributes == route_attributes || m->attributes == rule_attributes)
		route_header_print(out, (const struct rtmsg *)(const void *)body);
	attributes_print(out, body + header, size - header, m->attributes, 0);
}

/* Print a message as one line. If memory is short, print nothing. */
static void message_print(enum topic topic, enum trace_way way, const struct message *m,
			  const struct nlmsghdr *nlh)
{
	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return;
	fprintf(out, "<7>trace %s %s ", topic_names[topic], way == TRACE_SENT ? ">" : "<");
	if (m)
		fputs(m->names[nlh->nlmsg_type - m->first], out);
	else
		fprintf(out, "type 0x%x", nlh->nlmsg_type);
	fprintf(out, " flags=0x%x seq=%u port=%u", nlh->nlmsg_flags, nlh->nlmsg_seq,
		nlh->nlmsg_pid);
	body_print(out, m, nlh);
	fputc('\n', out);
	if (!fclose(out))
		line_take(line);
	free(line);
}

void trace_datagram(int fd, enum trace_way way, const void *data, size_t size)
{
	const uint8_t *at = data;
	int protocol = -1;
	socklen_t length = sizeof(protocol);

	if (!topics_traced || getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length))
		return;
	while (size >= NLMSG_HDRLEN) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)at;
		bool is_route = protocol == NETLINK_ROUTE;
		enum topic topic = topic_of(is_route, nlh);
		size_t step = nlh->nlmsg_len;

		if (step < NLMSG_HDRLEN || step > size)
			return;
		if (topics_traced >> topic & 1)
			message_print(topic, way, message_find(is_route, nlh), nlh);
		step = MNL_ALIGN(step) < size ? MNL_ALIGN(step) : size;
		at += step;
		size -= step;
	}
}

static void command_print(const char *command, size_t n)
{
	char *line = NULL;

	if (asprintf(&line, "<7>trace nft > %.*s\n", (int)n, command) < 0)
		return;
	line_take(line);
	free(line);
}

void trace_commands(const char *text)
{
	while (topics_traced >> TOPIC_NFT & 1 && *text) {
		size_t n = strcspn(text, "\n");

		command_print(text, n);
		text += n + (text[n] == '\n');
	}
}

/* --- topics -------------------------------------------------------------------------------- */

static int topic_parse(const char *word, size_t length)
{
	for (int i = 0; i < TOPICS; i++)
		if (strlen(topic_names[i]) == length && !strncmp(topic_names[i], word, length))
			return i;
	return -1;
}

bool trace_set(const char *topics, trace_line_fn *fn)
{
	unsigned chosen = 0;

	while (topics && *topics) {
		size_t length = strcspn(topics, ",");
		int topic = topic_parse(topics, length);

		if (topic < 0)
			return false;
		chosen |= 1u << topic;
		topics += length + (topics[length] == ',');
	}
	line_take = fn;
	topics_traced = chosen;
	return true;
}
