/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_init.c - `waymark init`: prints a configuration for this host, derived from the
 * default routes in table main.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "waymark/base/shell.h"
#include "waymark/base/sort.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/plan/netstate.h"

#define MARK_BITS     8
#define MARK_FIRST    2
#define TABLE_HIGHEST 251

/* An uplink to propose: an interface with a default route. */
struct proposal {
	const struct link_state *link;
	const struct route_state *route[2]; /* the preferred default route; [0] IPv4, [1] IPv6;
					     * NULL: none */
	const struct nexthop *nexthop[2];
};

struct proposals {
	const struct netstate *s;
	struct proposal list[UPLINKS_MAX];
	size_t n;
};

/* --- proposals from the default routes ----------------------------------------------------- */

static struct proposal *proposal_of(struct proposals *p, const struct link_state *link)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].link == link)
			return &p->list[i];
	if (p->n == UPLINKS_MAX)
		return NULL;
	p->list[p->n] = (struct proposal){.link = link};
	return &p->list[p->n++];
}

static void route_take(struct proposals *p, const struct route_state *r)
{
	unsigned family = r->family == AF_INET6;

	for (size_t i = 0; i < r->n_nexthops; i++) {
		const struct link_state *link =
			netstate_link_by_index(p->s, r->nexthops[i].ifindex);
		struct proposal *one = link && !link->is_loopback ? proposal_of(p, link) : NULL;

		if (!one || (one->route[family] && one->route[family]->metric <= r->metric))
			continue;
		one->route[family] = r;
		one->nexthop[family] = &r->nexthops[i];
	}
}

static uint32_t proposal_metric(const struct proposal *one)
{
	uint32_t metric = UINT32_MAX;

	for (int i = 0; i < 2; i++)
		if (one->route[i] && one->route[i]->metric < metric)
			metric = one->route[i]->metric;
	return metric;
}

static int proposals_compare(const void *a, const void *b)
{
	const struct proposal *one = a, *other = b;
	uint32_t m = proposal_metric(one), n = proposal_metric(other);

	if (m != n)
		return m < n ? -1 : 1;
	return one->link->index < other->link->index ? -1 : 1;
}

static void proposals_make(struct proposals *p, const struct netstate *s)
{
	p->s = s;
	p->n = 0;
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (r->table == RT_TABLE_MAIN && !r->dst.len && r->type == RTN_UNICAST &&
		    r->protocol != ROUTE_PROTOCOL_WAYMARK)
			route_take(p, r);
	}
	list_sort(p->list, p->n, sizeof(*p->list), proposals_compare);
}

/* --- unused numbers ------------------------------------------------------------------------ */

/* Return the number of bits by which to shift the mask, so that no ip rule of another program uses
 * a bit of the mask. If every position is in use, return 0. */
static unsigned mask_shift(const struct netstate *s)
{
	unsigned shift;

	for (shift = 0; shift < 32; shift += MARK_BITS) {
		uint32_t mask = ((1u << MARK_BITS) - 1) << shift;
		bool is_free = true;

		for (size_t i = 0; i < s->n_rules; i++) {
			const struct rule_state *r = &s->rules[i];

			if (r->protocol != ROUTE_PROTOCOL_WAYMARK && (r->fwmark & r->fwmask & mask))
				is_free = false;
		}
		if (is_free)
			return shift;
	}
	return 0;
}

static bool table_is_taken(const struct netstate *s, uint32_t table)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].table == table && s->routes[i].protocol != ROUTE_PROTOCOL_WAYMARK)
			return true;
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].table == table && s->rules[i].protocol != ROUTE_PROTOCOL_WAYMARK)
			return true;
	return false;
}

static uint32_t table_next(const struct netstate *s, uint32_t table)
{
	while (table > 1 && table_is_taken(s, table))
		table--;
	return table;
}

/* --- printing the file ----------------------------------------------------------------------- */

/* Print a quoted string in the syntax of the configuration. */
static void string_print(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("._-+@:/", *text))
			putchar(*text);
		else
			printf("\\x%02x", (unsigned char)*text);
	}
	putchar('"');
}

static bool is_name(const char *ifname)
{
	if (!isalpha((unsigned char)*ifname))
		return false;
	for (; *ifname; ifname++)
		if (!isalnum((unsigned char)*ifname) && !strchr("_-", *ifname))
			return false;
	return true;
}

static void name_print(const char *ifname, size_t number)
{
	if (is_name(ifname))
		printf("%s", ifname);
	else
		printf("uplink%zu", number);
}

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case RTPROT_DHCP:
		return "DHCP";
	case RTPROT_RA:
		return "router advertisements";
	case RTPROT_KERNEL:
		return "the kernel";
	case RTPROT_STATIC:
		return "static configuration";
	case RTPROT_BOOT:
		return "an ip command or a dialler";
	default:
		return "a routing daemon";
	}
}

static void route_comment(const struct proposal *one, unsigned family)
{
	const struct nexthop *n = one->nexthop[family];
	char text[ADDR_STRLEN];

	if (!n)
		return;
	if (addr_is_none(&n->gateway))
		printf("    # IPv%d: no gateway, point to point (from %s)\n", family ? 6 : 4,
		       protocol_name(one->route[family]->protocol));
	else
		printf("    # IPv%d: current gateway %s (from %s)\n", family ? 6 : 4,
		       addr_format(&n->gateway, text), protocol_name(one->route[family]->protocol));
}

static void uplink_print(const struct proposal *one, size_t number, uint32_t mark, uint32_t table)
{
	printf("\nuplink ");
	name_print(one->link->name, number);
	printf(" {\n    interface = ");
	string_print(one->link->name);
	printf("\n"
	       "    mark      = 0x%" PRIx32 "\n"
	       "    table     = %" PRIu32 "\n"
	       "    weight    = 1\n",
	       mark, table);
	route_comment(one, 0);
	route_comment(one, 1);
	printf("}\n");
}

static void header_print(const struct proposals *p, unsigned shift)
{
	printf("# Configuration of Waymark, proposed by 'waymark init'. waymark.conf(5)\n"
	       "# explains every key; 'waymark check' validates this file and the host.\n"
	       "\n"
	       "# \"steer\" pins flows to uplinks. \"audit\" installs no steering and only\n"
	       "# watches the marks that another tool sets.\n"
	       "mode      = \"steer\"\n"
	       "\n"
	       "# Waymark uses these bits of the packet mark and of the ct mark. No ip rule\n"
	       "# of this host uses them.\n"
	       "mark-mask = 0x%x\n",
	       ((1u << MARK_BITS) - 1) << shift);
	if (p->n)
		printf("\n"
		       "# One section per interface with a default route in table main. Gateways\n"
		       "# are learnt from these routes; to set one, add gateway = \"ADDRESS\" or\n"
		       "# gateway6 = \"ADDRESS\". weight is the share of new flows.\n");
}

static void example_print(uint32_t mark, uint32_t table)
{
	printf("\n"
	       "# A second uplink shares the load and takes over when the first one fails:\n"
	       "# uplink wan2 {\n"
	       "#     interface = \"INTERFACE\"\n"
	       "#     mark      = 0x%" PRIx32 "\n"
	       "#     table     = %" PRIu32 "\n"
	       "#     weight    = 1\n"
	       "# }\n",
	       mark, table);
}

/* Print a placeholder for an uplink, if no default route shows a real one: a valid configuration
 * needs at least one uplink. */
static void placeholder_print(uint32_t mark, uint32_t table)
{
	printf("\n"
	       "# No default route exists now: replace wan1 by your uplink's interface.\n"
	       "uplink wan1 {\n"
	       "    interface = \"wan1\"\n"
	       "    mark      = 0x%" PRIx32 "\n"
	       "    table     = %" PRIu32 "\n"
	       "    weight    = 1\n"
	       "}\n",
	       mark, table);
}

static void file_print(const struct proposals *p)
{
	unsigned shift = mask_shift(p->s);
	uint32_t table = table_next(p->s, TABLE_HIGHEST);
	size_t i;

	header_print(p, shift);
	for (i = 0; i < p->n; i++) {
		uplink_print(&p->list[i], i + 1, (uint32_t)(MARK_FIRST + i) << shift, table);
		table = table_next(p->s, table - 1);
	}
	if (!p->n)
		placeholder_print((uint32_t)MARK_FIRST << shift, table);
	if (p->n == 1)
		example_print((uint32_t)(MARK_FIRST + 1) << shift, table);
}

enum exit_status cmd_init(const struct invocation *in)
{
	struct rtnl *rtnl = rtnl_open();
	struct netstate *s = rtnl ? rtnl_snapshot(rtnl) : NULL;
	struct proposals p;

	(void)in;
	if (!s) {
		cli_error("init: cannot read links and routes: %s", strerror(errno));
		rtnl_close(rtnl);
		return CLI_FAILED;
	}
	proposals_make(&p, s);
	file_print(&p);
	if (p.n < 2)
		fprintf(stderr,
			"waymark: init: %s default route found; add the other uplinks to the file "
			"by hand\n",
			p.n ? "only one" : "no");
	netstate_free(s);
	rtnl_close(rtnl);
	return CLI_DONE;
}
