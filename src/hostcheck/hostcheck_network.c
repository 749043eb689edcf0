/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_network.c - checks the tables, links, addresses and gateways of the uplinks. It reads a
 * snapshot and a plan. From the kernel it reads only which interface has an alternative name.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/base/shell.h"
#include "waymark/plan/fib.h"
#include "waymark/plan/uplink_state.h"

#define LINE_SIZE   256
#define QUOTED_SIZE (2 * LINE_SIZE)

static const char *family_option(int family)
{
	return family == AF_INET6 ? "-6" : "-4";
}

static const char *family_name(int family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* --- tables ------------------------------------------------------------------------------- */

static const struct uplink_config *uplink_of_table(const struct config *c, uint32_t table)
{
	size_t i;

	for (i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].table == table)
			return &c->uplinks[i];
	return NULL;
}

void hostcheck_tables(struct findings *f, const struct config *c, const struct netstate *s)
{
	char line[LINE_SIZE], quoted[QUOTED_SIZE];
	size_t i;

	if (c->mode == MODE_AUDIT)
		return;
	for (i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];
		const struct uplink_config *u = uplink_of_table(c, r->table);

		if (!u || r->protocol == ROUTE_PROTOCOL_WAYMARK)
			continue;
		route_format(line, sizeof(line), r, s);
		findings_add(f, FINDING_WARNING,
			     "the %s route \"%s\" of another program is in the table of uplink %s",
			     family_name(r->family), line, u->name);
		findings_fix(f, "ip %s route del %s", family_option(r->family),
			     shell_line(quoted, sizeof(quoted), line));
	}
}

/* --- links -------------------------------------------------------------------------------- */

/* Return the interface that the user meant by `name`: an alternative name of the interface, or
 * "vlan@parent", as `ip link` prints it. Return NULL if there is no such interface. */
static const struct link_state *link_meant(const struct netstate *s, const char *name)
{
	char bare[IFNAMSIZ];
	unsigned index;

	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "@"), name);
	if (strchr(name, '@') && netstate_link_by_name(s, bare))
		return netstate_link_by_name(s, bare);
	index = if_nametoindex(name);
	return index ? netstate_link_by_index(s, index) : NULL;
}

static void missing_add(struct findings *f, const struct uplink_config *u, const struct netstate *s)
{
	const struct link_state *meant = link_meant(s, u->ifname);

	if (!meant) {
		findings_add(f, FINDING_WARNING,
			     "uplink %s: interface %s does not exist; the uplink is used once the "
			     "interface appears",
			     u->name, u->ifname);
		return;
	}
	findings_add(f, FINDING_ERROR, "uplink %s: \"%s\" is %s of interface %s", u->name,
		     u->ifname,
		     strchr(u->ifname, '@') ? "the NAME@PARENT notation" : "an alternative name",
		     meant->name);
	findings_fix(f, "set interface = \"%s\" in uplink %s", meant->name, u->name);
}

static void uplink_trouble_add(struct findings *f, const struct uplink_config *u, const char *state,
			       const struct netstate *s)
{
	char name[QUOTED_SIZE];

	shell_word(name, sizeof(name), u->ifname);
	if (!strcmp(state, "missing")) {
		missing_add(f, u, s);
	} else if (!strcmp(state, "down")) {
		findings_add(f, FINDING_WARNING, "uplink %s: interface %s is down", u->name,
			     u->ifname);
		findings_fix(f, "ip link set dev %s up", name);
	} else if (!strcmp(state, "no-address")) {
		findings_add(f, FINDING_WARNING, "uplink %s: interface %s has no address", u->name,
			     u->ifname);
		findings_fix(f, "ip addr add ADDRESS/LENGTH dev %s, or start its DHCP client",
			     name);
	} else {
		findings_add(f, FINDING_WARNING, "uplink %s: no gateway is known for interface %s",
			     u->name, u->ifname);
		findings_fix(f,
			     "set gateway or gateway6 in uplink %s to the address of the "
			     "provider's router, or to "
			     "\"none\" if the link is point to point",
			     u->name);
	}
}

/* --- gateways ----------------------------------------------------------------------------- */

/* Return whether this host has the address. A link-local address counts only if this interface has
 * it, because a host on another link can have the same address. */
static bool address_is_own(const struct netstate *s, uint32_t ifindex, const struct addr *a)
{
	bool is_of_link = gateway_is_link_local(a);

	for (size_t i = 0; i < s->n_addrs; i++)
		if (addr_is_equal(&s->addrs[i].prefix.addr, a) &&
		    (!is_of_link || s->addrs[i].ifindex == ifindex))
			return true;
	return false;
}

/* Return whether `a` is the first or the last address of an IPv4 network of the interface. The
 * kernel refuses such an address as a gateway. */
static bool address_is_of_all(const struct netstate *s, uint32_t ifindex, const struct addr *a)
{
	for (size_t i = 0; a->family == AF_INET && i < s->n_addrs; i++) {
		const struct addr_state *own = &s->addrs[i];
		struct prefix net = own->prefix;
		struct addr last;

		if (own->ifindex != ifindex || net.addr.family != AF_INET || net.len >= 31)
			continue;
		prefix_truncate(&net);
		last = net.addr;
		for (unsigned bit = net.len; bit < 32; bit++)
			last.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
		if (addr_is_equal(&net.addr, a) || addr_is_equal(&last, a))
			return true;
	}
	return false;
}

/* Return whether the interface has a network of this family, in which a gateway must be. Without
 * one, if all its addresses are host addresses (/32, /128), it can have any gateway. */
static bool link_has_network(const struct netstate *s, uint32_t ifindex, int family)
{
	for (size_t i = 0; i < s->n_addrs; i++) {
		const struct addr_state *a = &s->addrs[i];

		if (a->ifindex == ifindex && a->prefix.addr.family == family && !a->is_link_local &&
		    a->prefix.len < 8 * addr_size(family))
			return true;
	}
	return false;
}

/* Search table main for a default route of another program that leads through a gateway out of the
 * interface. Return the next hop with this gateway, or NULL. */
static const struct nexthop *main_nexthop(const struct netstate *s, uint32_t ifindex, int family)
{
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (r->family != family || r->table != RT_TABLE_MAIN || r->dst.len ||
		    r->protocol == ROUTE_PROTOCOL_WAYMARK)
			continue;
		for (size_t k = 0; k < r->n_nexthops; k++)
			if (r->nexthops[k].ifindex == ifindex &&
			    !addr_is_none(&r->nexthops[k].gateway))
				return &r->nexthops[k];
	}
	return NULL;
}

static void gateway_fix(struct findings *f, const struct uplink_config *u, const struct netstate *s,
			uint32_t ifindex, int family)
{
	const struct nexthop *n = main_nexthop(s, ifindex, family);
	const char *key = family == AF_INET6 ? "gateway6" : "gateway";
	char text[ADDR_STRLEN];

	if (n)
		findings_fix(f, "set %s = \"%s\" in uplink %s, as in table main", key,
			     addr_format(&n->gateway, text), u->name);
	else
		findings_fix(f, "set %s in uplink %s to the address of the provider's router", key,
			     u->name);
}

static void gateway_checked(struct findings *f, const struct uplink_config *u,
			    const struct netstate *s, int family)
{
	const struct gateway *g = family == AF_INET6 ? &u->gateway6 : &u->gateway;
	const struct link_state *link = netstate_link_by_name(s, u->ifname);
	char text[ADDR_STRLEN];

	if (!link || g->kind != GATEWAY_ADDR)
		return;
	addr_format(&g->addr, text);
	if (address_is_own(s, link->index, &g->addr))
		findings_add(f, FINDING_ERROR, "uplink %s: gateway %s is this router's own address",
			     u->name, text);
	else if (address_is_of_all(s, link->index, &g->addr))
		findings_add(
			f, FINDING_ERROR,
			"uplink %s: gateway %s is the network or broadcast address of its subnet",
			u->name, text);
	else if (!gateway_is_link_local(&g->addr) && link_has_network(s, link->index, family) &&
		 !gateway_is_connected(s, link->index, &g->addr))
		findings_add(f, FINDING_ERROR,
			     "uplink %s: gateway %s is not in a network of interface %s", u->name,
			     text, u->ifname);
	else
		return;
	gateway_fix(f, u, s, link->index, family);
}

/* Report an uplink that cannot be used for a family, although the configuration names a gateway of
 * that family. */
static void uplink_family_checked(struct findings *f, const struct uplink_config *u,
				  const struct uplink_plan *p, int family)
{
	unsigned i = family_index(family);
	const struct gateway *g = i ? &u->gateway6 : &u->gateway;
	char name[QUOTED_SIZE];

	if (p->trouble[i] == UPLINK_FINE || g->kind != GATEWAY_ADDR)
		return;
	findings_add(f, FINDING_WARNING, "uplink %s: %s is configured, but %s cannot be used: %s",
		     u->name, i ? "gateway6" : "gateway", family_name(family),
		     uplink_trouble_text(p->trouble[i]));
	findings_fix(f, "ip %s addr add ADDRESS/LENGTH dev %s, or remove %s from uplink %s",
		     family_option(family), shell_word(name, sizeof(name), u->ifname),
		     i ? "gateway6" : "gateway", u->name);
}

/* --- sources ------------------------------------------------------------------------------ */

static bool address_is_on(const struct netstate *s, uint32_t ifindex, const struct addr *a)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (s->addrs[i].ifindex == ifindex && addr_is_equal(&s->addrs[i].prefix.addr, a))
			return true;
	return false;
}

static bool is_from_same(const struct route_state *a, const struct route_state *b)
{
	return a->from.len == b->from.len && (!a->from.len || prefix_is_equal(&a->from, &b->from));
}

/* Search table main for default routes of other programs that lead out of the interface and have
 * the family and the source prefix of `planned`. Return the one with the lowest metric, or NULL. */
static const struct route_state *main_default(const struct netstate *s, uint32_t ifindex,
					      const struct route_state *planned)
{
	const struct route_state *best = NULL;

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];
		bool is_by = false;

		for (size_t k = 0; k < r->n_nexthops; k++)
			is_by = is_by || r->nexthops[k].ifindex == ifindex;
		if (is_by && r->family == planned->family && r->table == RT_TABLE_MAIN &&
		    !r->dst.len && !r->tos && r->protocol != ROUTE_PROTOCOL_WAYMARK &&
		    is_from_same(r, planned) && (!best || r->metric < best->metric))
			best = r;
	}
	return best;
}

/* Report a planned route if the default route in table main has a different 'src', or if its own
 * 'src' is not an address of the interface. The kernel uses the 'src' of a route as the source
 * address of packets that this host sends, unless the program has bound another address. */
static void source_checked(struct findings *f, const struct uplink_config *u,
			   const struct netstate *s, uint32_t ifindex,
			   const struct route_state *planned)
{
	const struct route_state *r = main_default(s, ifindex, planned);
	const struct addr *source = &planned->prefsrc;
	char line[LINE_SIZE], text[ADDR_STRLEN];

	if (r && !addr_is_none(&r->prefsrc) && !addr_is_equal(&r->prefsrc, source)) {
		route_format(line, sizeof(line), r, s);
		findings_add(f, FINDING_WARNING,
			     "uplink %s: packets that this router sends by table %" PRIu32
			     " have the source %s, not the source of the %s route \"%s\"",
			     u->name, u->table,
			     addr_is_none(source) ? "that the kernel chooses"
						  : addr_format(source, text),
			     family_name(r->family), line);
		findings_fix(f, "give the route and uplink %s the same gateway", u->name);
	} else if (!addr_is_none(source) && !address_is_on(s, ifindex, source)) {
		route_format(line, sizeof(line), r ? r : planned, s);
		findings_add(f, FINDING_OK,
			     "uplink %s: packets of this router have the source %s, as in the %s "
			     "route \"%s\"",
			     u->name, addr_format(source, text), family_name(planned->family),
			     line);
	}
}

static void sources_checked(struct findings *f, const struct uplink_config *u,
			    const struct netstate *s, const struct route_plan *plan)
{
	const struct link_state *link = netstate_link_by_name(s, u->ifname);

	for (size_t i = 0; link && i < plan->wanted->n_routes; i++) {
		const struct route_state *planned = &plan->wanted->routes[i];

		if (planned->table == u->table && !planned->dst.len &&
		    fib_route_leads_to(planned, link->index))
			source_checked(f, u, s, link->index, planned);
	}
}

void hostcheck_uplinks(struct findings *f, const struct config *c, const struct netstate *s,
		       const struct route_plan *plan)
{
	size_t i;

	for (i = 0; i < c->n_uplinks; i++) {
		const struct uplink_config *u = &c->uplinks[i];
		const struct uplink_plan *p = uplink_plan_find(plan, u->slot);
		const char *state = uplink_state(u, plan, s);

		gateway_checked(f, u, s, AF_INET);
		gateway_checked(f, u, s, AF_INET6);
		if (strcmp(state, "up")) {
			uplink_trouble_add(f, u, state, s);
			continue;
		}
		findings_add(f, FINDING_OK, "uplink %s: interface %s is up%s%s", u->name, u->ifname,
			     p && p->trouble[0] == UPLINK_FINE ? ", IPv4" : "",
			     p && p->trouble[1] == UPLINK_FINE ? ", IPv6" : "");
		if (p) {
			uplink_family_checked(f, u, p, AF_INET);
			uplink_family_checked(f, u, p, AF_INET6);
		}
		if (plan && plan->wanted)
			sources_checked(f, u, s, plan);
	}
}

static bool is_installed(const struct netstate *s)
{
	size_t i;

	for (i = 0; i < s->n_rules; i++)
		if (s->rules[i].protocol == ROUTE_PROTOCOL_WAYMARK)
			return true;
	for (i = 0; i < s->n_routes; i++)
		if (s->routes[i].protocol == ROUTE_PROTOCOL_WAYMARK)
			return true;
	return false;
}

void hostcheck_installed(struct findings *f, const struct config *c, const struct netstate *s,
			 const struct route_plan *plan)
{
	char command[CONFIG_COMMAND_SIZE];
	struct route_diff *diff;
	size_t n;

	if (c->mode == MODE_AUDIT)
		return;
	if (!is_installed(s)) {
		findings_add(f, FINDING_OK, "the steering is not installed yet");
		return;
	}
	diff = route_diff_new(plan, s);
	if (!diff) {
		f->error = -ENOMEM;
		return;
	}
	n = diff->add->n_rules + diff->add->n_routes + diff->remove->n_rules +
	    diff->remove->n_routes;
	if (!n) {
		findings_add(f, FINDING_OK,
			     "the installed ip rules and routes match the configuration");
	} else {
		findings_add(f, FINDING_WARNING,
			     "%zu installed ip rules and routes differ from the configuration "
			     "('waymark diff' shows them)",
			     n);
		findings_fix(f, "%s", config_command(c, command, sizeof(command), "apply"));
	}
	route_diff_free(diff);
}
