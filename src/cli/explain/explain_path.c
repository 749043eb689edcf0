/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_path.c - explains where a packet with the flow's mark should go, and where it goes now.
 * It reads the rules and the routing tables, and also asks the kernel for a route lookup. It
 * changes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/plan/route_plan.h"

struct look {
	struct explanation *e;
	struct rtnl *rtnl;
	struct netstate *now;
	struct fib_query q;
	char iifname[IFNAMSIZ]; /* the input interface of the packet; "lo": this router sends the
				 * packet */
};

static const char *table_name(uint32_t table, char buf[12])
{
	if (table == RT_TABLE_MAIN)
		return "main";
	snprintf(buf, 12, "%" PRIu32, table);
	return buf;
}

static const char *family_option(const struct look *l)
{
	return l->q.family == AF_INET6 ? " -6" : "";
}

/* --- the expected path -------------------------------------------------------------- */

static void should_say(struct look *l)
{
	const struct config *c = l->e->config;
	const struct uplink_config *u = l->e->uplink;
	const struct route_state *r;
	char text[256];

	if (c->mode == MODE_AUDIT) {
		narrative_say(&l->e->story, "expected",
			      "Another tool steers (mode audit): its rule for mark "
			      "0x%" PRIx32 " should lead out of %s.",
			      u->mark, u->ifname);
		narrative_show(&l->e->story, "ip%s rule show", family_option(l));
		return;
	}
	narrative_say(&l->e->story, "expected",
		      "A packet with this mark should meet the ip rule %" PRIu32
		      ": fwmark 0x%" PRIx32 "/0x%" PRIx32 " lookup %" PRIu32 ".",
		      rule_priority_of(c, u), u->mark, c->mark_mask, u->table);
	narrative_show(&l->e->story, "ip%s rule show", family_option(l));
	r = fib_table_lookup(l->now, u->table, l->q.family, &l->q.dst, -1);
	if (r)
		route_format(text, sizeof(text), r, l->now);
	narrative_say(&l->e->story, "expected",
		      "Table %" PRIu32 " should send the packet out of %s. Its route now: %s.",
		      u->table, u->ifname, r ? text : "none for this destination");
	narrative_show(&l->e->story, "ip%s route show table %" PRIu32, family_option(l), u->table);
}

/* --- the present path ---------------------------------------------------------------- */

static bool is_own(const struct netstate *s, const struct addr *a)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (addr_is_equal(&s->addrs[i].prefix.addr, a))
			return true;
	return false;
}

/* Set the input interface of the packet. If this router sends the packet, the input interface is
 * "lo". Otherwise it is the interface by which packets to the source address leave. */
static void iifname_find(struct look *l)
{
	struct fib_query back = {.dst = l->q.src, .family = l->q.family, .iifname = "lo"};
	const struct link_state *link;
	struct fib_answer a;

	strcpy(l->iifname, "lo");
	l->q.iifname = l->iifname;
	if (is_own(l->now, &l->q.src))
		return;
	fib_lookup(l->now, &back, &a);
	link = a.route && a.route->n_nexthops
		       ? netstate_link_by_index(l->now, a.route->nexthops[0].ifindex)
		       : NULL;
	if (link)
		strcpy(l->iifname, link->name);
}

static bool is_right(const struct look *l, const struct route_state *r)
{
	const struct uplink_config *u = l->e->uplink;
	const struct link_state *link = u ? netstate_link_by_name(l->now, u->ifname) : NULL;

	return link && r && fib_route_leads_to(r, link->index);
}

static void walk_say(struct look *l)
{
	struct fib_answer a;
	char rule[200], route[256], number[12];

	fib_lookup(l->now, &l->q, &a);
	if (!a.rule) {
		narrative_say(&l->e->story, "path",
			      "No ip rule leads to a route for the packet now.");
		return;
	}
	rule_format(rule, sizeof(rule), a.rule);
	if (a.route)
		route_format(route, sizeof(route), a.route, l->now);
	narrative_say(&l->e->story, "path", "The packet meets the ip rule %s now: %s %s%s%s%s",
		      rule, a.route ? "table" : "the rule refuses the packet.",
		      a.route ? table_name(a.rule->table, number) : "", a.route ? " has " : "",
		      a.route ? route : "",
		      !a.route		     ? ""
		      : !l->e->uplink	     ? "."
		      : is_right(l, a.route) ? ", which is right."
					     : ", which is wrong.");
	if (!a.is_sure)
		narrative_say(&l->e->story, "path",
			      "An earlier rule matches properties that are unknown here (ports, "
			      "users, ...). The kernel's answer below is for a packet without "
			      "these properties.");
}

static void kernel_say(struct look *l)
{
	char src[ADDR_STRLEN], dst[ADDR_STRLEN], iif[IFNAMSIZ + 8] = "", number[12],
								gateway[ADDR_STRLEN];
	const struct link_state *link = NULL;
	struct route_state r = {0};
	int err = rtnl_route_get(l->rtnl, &l->q, &r);

	if (strcmp(l->iifname, "lo"))
		snprintf(iif, sizeof(iif), " iif %s", l->iifname);
	if (!err && r.n_nexthops)
		link = netstate_link_by_index(l->now, r.nexthops[0].ifindex);
	if (err)
		narrative_say(&l->e->story, "kernel", "The kernel answers: %s%s.", strerror(-err),
			      err == -EXDEV
				      ? " (the reverse path filter refuses the source address)"
				      : "");
	else
		narrative_say(&l->e->story, "kernel",
			      "The kernel answers: table %s, out of %s%s%s.",
			      table_name(r.table, number), link ? link->name : "no interface",
			      r.n_nexthops && !addr_is_none(&r.nexthops[0].gateway) ? " via " : "",
			      r.n_nexthops ? addr_format(&r.nexthops[0].gateway, gateway) : "");
	narrative_show(&l->e->story, "ip%s route get %s from %s%s mark 0x%" PRIx32,
		       family_option(l), addr_format(&l->q.dst, dst), addr_format(&l->q.src, src),
		       iif, l->q.mark);
	route_clear(&r);
}

static void cause_say(struct look *l)
{
	enum reason reason = fib_diagnose(l->now, l->e->config, l->e->uplink, &l->q, NULL);
	const char *now = explain_reason_now(reason);

	l->e->is_path_wrong = now != NULL;
	if (l->e->is_path_wrong)
		narrative_say(&l->e->story, "path", "Wrong now: %s (%s).", now,
			      reason_name(reason));
}

void explain_path(struct explanation *e)
{
	struct look l = {.e = e, .rtnl = rtnl_open()};

	l.now = l.rtnl ? rtnl_snapshot(l.rtnl) : NULL;
	l.q = (struct fib_query){
		.src = e->src,
		.dst = e->dst,
		.family = e->src.family,
		.proto = e->proto,
		.sport = e->sport,
		.dport = e->dport,
		.mark = e->mark,
	};
	if (!l.now) {
		narrative_say(&e->story, "path",
			      "The kernel's rules and routes cannot be read: %s.", strerror(errno));
	} else {
		e->is_path_known = true;
		iifname_find(&l);
		if (e->uplink)
			should_say(&l);
		walk_say(&l);
		if (e->uplink)
			cause_say(&l);
		kernel_say(&l);
	}
	netstate_free(l.now);
	rtnl_close(l.rtnl);
}
