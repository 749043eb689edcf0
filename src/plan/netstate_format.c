/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netstate_format.c - formats a route or a rule as one line in the syntax of 'ip route add' and 'ip
 * rule add'.
 *
 * Pure: must not know who reads the line.
 */
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_extra.h"

#include <inttypes.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A line that put() appends to. `length` counts all text, as the result of snprintf() does, so it
 * can exceed `size`. */
struct line {
	char *buf;
	size_t size;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *format, ...)
{
	size_t used = l->length < l->size ? l->length : l->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->size ? l->buf + used : NULL, l->size - used, format, args);
	va_end(args);
	if (n > 0)
		l->length += (size_t)n;
}

static void put_table(struct line *l, const char *word, uint32_t table)
{
	if (table == RT_TABLE_MAIN)
		put(l, " %s main", word);
	else if (table == RT_TABLE_DEFAULT)
		put(l, " %s default", word);
	else
		put(l, " %s %" PRIu32, word, table);
}

static void put_prefix(struct line *l, const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	if (!p->len)
		put(l, "default");
	else if (p->len == 8 * addr_size(p->addr.family))
		put(l, "%s", addr_format(&p->addr, text));
	else
		put(l, "%s", prefix_format(p, text));
}

static void put_nexthop(struct line *l, const struct route_state *r, const struct nexthop *n,
			const struct netstate *s)
{
	const struct link_state *link = netstate_link_by_index(s, n->ifindex);
	char text[ADDR_STRLEN];

	if (!addr_is_none(&n->gateway))
		put(l, " via %s%s", n->gateway.family == r->family ? "" : "inet6 ",
		    addr_format(&n->gateway, text));
	if (link)
		put(l, " dev %s", link->name);
	else if (n->ifindex)
		put(l, " dev if%" PRIu32, n->ifindex);
}

static void put_nexthops(struct line *l, const struct route_state *r, const struct netstate *s)
{
	for (size_t i = 0; i < r->n_nexthops; i++) {
		put(l, " nexthop");
		put_nexthop(l, r, &r->nexthops[i], s);
		put(l, " weight %" PRIu32 "%s", r->nexthops[i].weight,
		    r->nexthops[i].is_onlink ? " onlink" : "");
	}
}

static void put_type(struct line *l, uint8_t type)
{
	static const char *const word[] = {
		[RTN_BLACKHOLE] = "blackhole ",
		[RTN_UNREACHABLE] = "unreachable ",
		[RTN_PROHIBIT] = "prohibit ",
		[RTN_THROW] = "throw ",
	};

	if (type < sizeof(word) / sizeof(*word) && word[type])
		put(l, "%s", word[type]);
}

/* Print the protocol. Use the names that every version of iproute2 knows. For all other protocols
 * print the number, which every version accepts. */
static void put_protocol(struct line *l, uint8_t protocol)
{
	switch (protocol) {
	case RTPROT_KERNEL:
		put(l, " proto kernel");
		break;
	case RTPROT_BOOT:
		put(l, " proto boot");
		break;
	case RTPROT_STATIC:
		put(l, " proto static");
		break;
	default:
		put(l, " proto %u", protocol);
	}
}

static void put_scope(struct line *l, const struct route_state *r)
{
	if (r->family == AF_INET6 || r->scope == RT_SCOPE_UNIVERSE)
		return;
	if (r->scope == RT_SCOPE_LINK)
		put(l, " scope link");
	else if (r->scope == RT_SCOPE_HOST)
		put(l, " scope host");
	else
		put(l, " scope %u", r->scope);
}

/* Print the metrics that are plain numbers, with their names in ip-route(8), and IPv6's router
 * preference. */
static void put_metrics(struct line *l, const struct route_state *r)
{
	static const char *const word[] = {
		[RTAX_MTU] = "mtu",	      [RTAX_WINDOW] = "window",
		[RTAX_ADVMSS] = "advmss",     [RTAX_HOPLIMIT] = "hoplimit",
		[RTAX_INITCWND] = "initcwnd", [RTAX_INITRWND] = "initrwnd",
		[RTAX_QUICKACK] = "quickack",
	};
	uint32_t value, locks = 0;
	uint8_t pref;

	route_metric(r, RTAX_LOCK, &locks);
	for (unsigned i = 0; i < sizeof(word) / sizeof(*word); i++)
		if (word[i] && route_metric(r, i, &value))
			put(l, " %s %s%" PRIu32, word[i], locks & 1u << i ? "lock " : "", value);
	if (route_preference(r, &pref))
		put(l, " pref %s", pref == 1 ? "high" : pref == 3 ? "low" : "medium");
}

int route_format(char *buf, size_t size, const struct route_state *r, const struct netstate *s)
{
	struct line l = {.buf = buf, .size = size};
	char text[ADDR_STRLEN], from[PREFIX_STRLEN];

	put_type(&l, r->type);
	put_prefix(&l, &r->dst);
	if (r->from.len)
		put(&l, " from %s", prefix_format(&r->from, from));
	if (r->nexthop_id)
		put(&l, " nhid %" PRIu32, r->nexthop_id);
	else if (r->n_nexthops == 1)
		put_nexthop(&l, r, r->nexthops, s);
	put_table(&l, "table", r->table);
	put_protocol(&l, r->protocol);
	put_scope(&l, r);
	if (r->tos)
		put(&l, " tos 0x%02x", r->tos);
	if (r->metric)
		put(&l, " metric %" PRIu32, r->metric);
	if (!addr_is_none(&r->prefsrc))
		put(&l, " src %s", addr_format(&r->prefsrc, text));
	put_metrics(&l, r);
	if (r->nexthop_id)
		return (int)l.length;
	if (r->n_nexthops > 1)
		put_nexthops(&l, r, s);
	else if (r->n_nexthops && r->nexthops->is_onlink)
		put(&l, " onlink");
	return (int)l.length;
}

static void put_ports(struct line *l, const char *word, const uint16_t *ports)
{
	if (ports[1] > ports[0])
		put(l, " %s %u-%u", word, ports[0], ports[1]);
	else if (ports[0])
		put(l, " %s %u", word, ports[0]);
}

static void put_extra(struct line *l, const struct rule_extra *e)
{
	if (e->tos)
		put(l, " tos 0x%02x", e->tos);
	if (e->has_uids)
		put(l, " uidrange %" PRIu32 "-%" PRIu32, e->uids[0], e->uids[1]);
	if (e->ip_proto)
		put(l, " ipproto %u", e->ip_proto);
	put_ports(l, "sport", e->sports);
	put_ports(l, "dport", e->dports);
	if (e->tun_id)
		put(l, " tun_id %" PRIu64, e->tun_id);
}

static void put_action(struct line *l, const struct rule_state *r)
{
	switch (r->action) {
	case FR_ACT_TO_TBL:
		if (r->extra.is_l3mdev)
			put(l, " l3mdev");
		else
			put_table(l, "lookup", r->table);
		break;
	case FR_ACT_GOTO:
		put(l, " goto %" PRIu32, r->extra.target);
		break;
	case FR_ACT_NOP:
		put(l, " nop");
		break;
	case FR_ACT_BLACKHOLE:
		put(l, " blackhole");
		break;
	case FR_ACT_UNREACHABLE:
		put(l, " unreachable");
		break;
	case FR_ACT_PROHIBIT:
		put(l, " prohibit");
		break;
	default:
		put(l, " action %u", r->action);
	}
}

int rule_format(char *buf, size_t size, const struct rule_state *r)
{
	struct line l = {.buf = buf, .size = size};
	char text[PREFIX_STRLEN];

	put(&l, "priority %" PRIu32, r->priority);
	if (r->is_inverted)
		put(&l, " not");
	if (r->src.len)
		put(&l, " from %s", prefix_format(&r->src, text));
	if (r->dst.len)
		put(&l, " to %s", prefix_format(&r->dst, text));
	if (r->fwmask == UINT32_MAX)
		put(&l, " fwmark 0x%" PRIx32, r->fwmark);
	else if (r->fwmask)
		put(&l, " fwmark 0x%" PRIx32 "/0x%" PRIx32, r->fwmark, r->fwmask);
	if (*r->iifname)
		put(&l, " iif %s", r->iifname);
	if (*r->oifname)
		put(&l, " oif %s", r->oifname);
	put_extra(&l, &r->extra);
	put_action(&l, r);
	if (r->suppress_prefixlength >= 0)
		put(&l, " suppress_prefixlength %" PRId32, r->suppress_prefixlength);
	if (r->extra.has_suppress_ifgroup)
		put(&l, " suppress_ifgroup %" PRIu32, r->extra.suppress_ifgroup);
	if (r->protocol)
		put(&l, " protocol %u", r->protocol);
	return (int)l.length;
}

void shell_print(FILE *out, const char *line)
{
	for (; *line; line++) {
		if (strchr("\\\"'`$&;|<>()*?[]{}#~!^", *line))
			fputc('\\', out);
		fputc(*line, out);
	}
}
