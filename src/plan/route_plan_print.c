/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_print.c - prints the plan as commands of iproute2 for a shell.
 *
 * Pure: writes to the given stream, and must not know who reads it.
 */
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "waymark/plan/route_plan.h"

static const char *family_option(uint8_t family)
{
	return family == AF_INET6 ? "-6" : "-4";
}

static void print_rule(const struct rule_state *r, FILE *out)
{
	char text[256];

	rule_format(text, sizeof(text), r);
	fprintf(out, "ip %s rule add ", family_option(r->family));
	shell_print(out, text);
	fputc('\n', out);
}

/* Print a route. A balanced default route has one nexthop per uplink, so its line has no maximum
 * length. */
static void print_route(const struct route_state *r, const struct netstate *s, FILE *out)
{
	int length = route_format(NULL, 0, r, s);
	char *text = malloc((size_t)length + 1);

	if (!text)
		return;
	route_format(text, (size_t)length + 1, r, s);
	/* Table main can have a foreign default route, which our route replaces. */
	fprintf(out, "ip %s route %s ", family_option(r->family),
		r->table == RT_TABLE_MAIN ? "replace" : "add");
	shell_print(out, text);
	fputc('\n', out);
	free(text);
}

static void print_troubles(const struct route_plan *p, const struct config *c, FILE *out)
{
	static const char *const name[] = {"IPv4", "IPv6"};

	for (size_t i = 0; i < p->n_uplinks; i++)
		for (unsigned f = 0; f < 2; f++)
			if (p->uplinks[i].trouble[f] != UPLINK_FINE)
				fprintf(out, "# %s (%s), %s: %s; no route uses this uplink now\n",
					c->uplinks[i].name, c->uplinks[i].ifname, name[f],
					uplink_trouble_text(p->uplinks[i].trouble[f]));
}

static void print_groups(const struct route_plan *p, const struct config *c, FILE *out)
{
	for (size_t i = 0; p->link_group == LINK_GROUP_WAYMARK && i < p->n_uplinks; i++) {
		if (!p->uplinks[i].ifindex)
			continue;
		fputs("ip link set dev ", out);
		shell_print(out, c->uplinks[i].ifname);
		fprintf(out, " group %u\n", LINK_GROUP_WAYMARK);
	}
}

void route_plan_print(const struct route_plan *p, const struct config *c, FILE *out)
{
	print_groups(p, c, out);
	for (size_t i = 0; i < p->wanted->n_rules; i++)
		print_rule(&p->wanted->rules[i], out);
	for (size_t i = 0; i < p->wanted->n_routes; i++)
		print_route(&p->wanted->routes[i], p->wanted, out);
	if (c->mode == MODE_STEER)
		print_troubles(p, c, out);
}
