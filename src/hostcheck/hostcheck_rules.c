/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_rules.c - finds ip rules of other programs that divert pinned flows.
 *
 * Pure: reads a snapshot and a plan. The checks assume that a packet of a pinned flow has the mark
 * of its uplink and no other mark bits. A rule is harmful if it comes before Waymark's rule for
 * that mark, can match the packet, and drops the packet or sends it elsewhere than to the uplink.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/base/shell.h"
#include "waymark/plan/fib.h"
#include "waymark/plan/route_plan.h"

#define LINE_SIZE 256

enum match { MATCH_NEVER, MATCH_SOME, MATCH_ALL };

struct checking {
	struct findings *f;
	const struct config *c;
	const struct netstate *s;
	const struct netstate *ours; /* the planned rules of Waymark */
};

/* --- which packets a rule matches ---------------------------------------------------- */

static bool mark_fits(const struct rule_state *r, const struct uplink_config *u)
{
	return (u->mark & r->fwmask) == (r->fwmark & r->fwmask);
}

static bool is_limited(const struct rule_state *r)
{
	return r->src.len || r->dst.len || *r->iifname || *r->oifname || r->has_other;
}

static enum match rule_match(const struct rule_state *r, const struct uplink_config *u)
{
	bool is_inverted = r->is_inverted;

	if (!mark_fits(r, u))
		return is_inverted ? MATCH_ALL : MATCH_NEVER;
	if (is_limited(r))
		return MATCH_SOME;
	return is_inverted ? MATCH_NEVER : MATCH_ALL;
}

/* --- where a rule sends packets ----------------------------------------------------- */

bool hostcheck_prefix_is_general(const struct prefix *p)
{
	if (p->len <= fib_general_len(AF_INET))
		return true;
	return p->len <= fib_general_len(p->addr.family) && p->addr.bytes[0] >> 5 == 1;
}

/* Return whether the rule does not use this route, because the interface of the route is in the
 * group that the rule suppresses (suppress_ifgroup). */
static bool group_is_suppressed(const struct netstate *s, const struct rule_state *r,
				const struct route_state *route)
{
	const struct link_state *link =
		r->extra.has_suppress_ifgroup && route->n_nexthops
			? netstate_link_by_index(s, route->nexthops[0].ifindex)
			: NULL;

	return link && link->group == r->extra.suppress_ifgroup;
}

/* A general route (hostcheck_prefix_is_general) takes the place of a default route. Return the
 * general route that the rule selects in its table: the most specific one, then the one with the
 * lowest metric. Return NULL if there is none, or if the rule suppresses it. */
static const struct route_state *general_route(const struct netstate *s, const struct rule_state *r)
{
	const struct route_state *found = NULL;

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *at = &s->routes[i];

		if (at->family != r->family || at->table != r->table ||
		    !hostcheck_prefix_is_general(&at->dst) || at->type == RTN_THROW ||
		    (int32_t)at->dst.len <= r->suppress_prefixlength)
			continue;
		if (!found || at->dst.len > found->dst.len ||
		    (at->dst.len == found->dst.len && at->metric < found->metric))
			found = at;
	}
	return found && group_is_suppressed(s, r, found) ? NULL : found;
}

/* Return a route to a public destination that the rule can select in its table, or NULL. Pinned
 * flows to that destination would follow the route. Table main is not searched. */
static const struct route_state *public_route(const struct netstate *s, const struct rule_state *r)
{
	for (size_t i = 0; r->table != RT_TABLE_MAIN && i < s->n_routes; i++) {
		const struct route_state *at = &s->routes[i];

		if (at->family == r->family && at->table == r->table && at->type != RTN_THROW &&
		    !hostcheck_prefix_is_general(&at->dst) && prefix_is_public(&at->dst) &&
		    (int32_t)at->dst.len > r->suppress_prefixlength &&
		    !group_is_suppressed(s, r, at))
			return at;
	}
	return NULL;
}

static const struct route_state *diverting_route(const struct netstate *s,
						 const struct rule_state *r)
{
	const struct route_state *route = general_route(s, r);

	return route ? route : public_route(s, r);
}

/* --- the order of rules -------------------------------------------------------------- */

static const struct rule_state *mark_rule(const struct netstate *s, const struct config *c,
					  const struct uplink_config *u, uint8_t family)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule_state *r = &s->rules[i];

		if (r->protocol == ROUTE_PROTOCOL_WAYMARK && r->family == family &&
		    r->action == FR_ACT_TO_TBL && r->table == u->table &&
		    (r->fwmask & c->mark_mask) && mark_fits(r, u))
			return r;
	}
	return NULL;
}

/* Return whether rule r comes before the uplink's own rule. If two rules have the same priority,
 * the rule that was added first comes first. */
static bool comes_before(const struct checking *k, const struct rule_state *r,
			 const struct uplink_config *u)
{
	const struct rule_state *installed = mark_rule(k->s, k->c, u, r->family);
	const struct rule_state *planned = mark_rule(k->ours, k->c, u, r->family);

	if (installed)
		return r->priority < installed->priority ||
		       (r->priority == installed->priority && r < installed);
	return planned && r->priority <= planned->priority;
}

/* Return whether rule r, whose action is goto, skips the uplink's own rule. Without its target, the
 * rule has no effect. */
static bool jumps_over(const struct checking *k, const struct rule_state *r,
		       const struct uplink_config *u)
{
	for (size_t i = 0; i < k->s->n_rules; i++)
		if (k->s->rules[i].family == r->family &&
		    k->s->rules[i].priority == r->extra.target)
			return !comes_before(k, &k->s->rules[i], u);
	return false;
}

enum side { SIDE_NONE, SIDE_OF_IT, SIDE_OF_ANOTHER, SIDE_INSIDE };

/* Return where this host has address `a`: on uplink `u`, on another uplink, or inside, which is an
 * interface that is not an uplink. */
static enum side address_side(const struct checking *k, const struct addr_state *a,
			      const struct uplink_config *u)
{
	const struct link_state *link = netstate_link_by_index(k->s, a->ifindex);

	if (!link || !config_uplink_by_ifname(k->c, link->name))
		return SIDE_INSIDE;
	return strcmp(link->name, u->ifname) ? SIDE_OF_ANOTHER : SIDE_OF_IT;
}

/* Return whether this host has addresses in network `net`, and all of these addresses are on
 * uplinks other than `u`. */
static bool network_is_of_another(const struct checking *k, const struct prefix *net,
				  const struct uplink_config *u)
{
	enum side side = SIDE_NONE;

	for (size_t i = 0; i < k->s->n_addrs; i++) {
		if (!prefix_contains(net, &k->s->addrs[i].prefix.addr))
			continue;
		side = address_side(k, &k->s->addrs[i], u);
		if (side != SIDE_OF_ANOTHER)
			return false;
	}
	return side == SIDE_OF_ANOTHER;
}

/* Return whether the rule is meant for packets of an uplink other than `u`. If a rule matches the
 * source address of an uplink, it is meant for packets that leave by that uplink. If a rule matches
 * an output interface, it is meant for sockets that are bound to that interface. */
static bool is_for_another(const struct checking *k, const struct rule_state *r,
			   const struct uplink_config *u)
{
	if (r->is_inverted)
		return false;
	if (*r->oifname && strcmp(r->oifname, u->ifname))
		return true;
	return r->src.len && network_is_of_another(k, &r->src, u);
}

/* Return whether the rule drops matching packets of the uplink or sends them elsewhere. */
static bool rule_diverts(const struct checking *k, const struct rule_state *r,
			 const struct uplink_config *u)
{
	const struct link_state *link = netstate_link_by_name(k->s, u->ifname);
	const struct route_state *route;

	if (r->action == FR_ACT_NOP || r->extra.is_l3mdev)
		return false;
	if (r->action == FR_ACT_GOTO)
		return jumps_over(k, r, u);
	if (r->action != FR_ACT_TO_TBL)
		return true;
	if (r->table == RT_TABLE_LOCAL || r->table == u->table)
		return false;
	route = diverting_route(k->s, r);
	return route && !(link && fib_route_leads_to(route, link->index));
}

static enum match rule_harm(const struct checking *k, const struct rule_state *r,
			    const struct uplink_config *u)
{
	enum match match = rule_match(r, u);

	if (match == MATCH_NEVER || !comes_before(k, r, u) || is_for_another(k, r, u))
		return MATCH_NEVER;
	if (!rule_diverts(k, r, u))
		return MATCH_NEVER;
	return r->action == FR_ACT_TO_TBL && !general_route(k->s, r) ? MATCH_SOME : match;
}

/* --- findings ---------------------------------------------------------------------------- */

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

static bool priority_is_taken(const struct netstate *s, uint8_t family, uint32_t priority)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].family == family && s->rules[i].priority == priority)
			return true;
	return false;
}

/* Return the lowest unused priority that comes after the rules of all uplinks. */
static uint32_t priority_after(const struct checking *k, uint8_t family)
{
	uint32_t priority = 0;

	for (size_t i = 0; i < k->c->n_uplinks; i++) {
		const struct rule_state *r = mark_rule(k->ours, k->c, &k->c->uplinks[i], family);

		if (r && r->priority > priority)
			priority = r->priority;
	}
	do
		priority++;
	while (priority_is_taken(k->s, family, priority) ||
	       priority_is_taken(k->ours, family, priority));
	return priority;
}

/* Suggest a fix that adds a copy of rule r after Waymark's rules and then deletes r. */
static void fix_by_moving(const struct checking *k, const struct rule_state *r)
{
	const char *option = r->family == AF_INET6 ? "-6" : "-4";
	char line[LINE_SIZE], was[2 * LINE_SIZE], is[2 * LINE_SIZE];
	struct rule_state moved = *r;

	moved.priority = priority_after(k, r->family);
	rule_format(line, sizeof(line), r);
	shell_line(was, sizeof(was), line);
	rule_format(line, sizeof(line), &moved);
	shell_line(is, sizeof(is), line);
	findings_fix(k->f, "ip %s rule add %s && ip %s rule del %s", option, is, option, was);
}

struct harm {
	enum match worst;
	const struct uplink_config *uplink; /* the first uplink whose flows the rule affects */
	size_t uplinks;
};

/* Return the interface by which the route leads out, or NULL. */
static const struct link_state *link_of(const struct checking *k, const struct route_state *r)
{
	return r && r->n_nexthops ? netstate_link_by_index(k->s, r->nexthops[0].ifindex) : NULL;
}

static void subject_add(const struct checking *k, enum reason reason, uint8_t family,
			const char *line, const struct uplink_config *u,
			const struct link_state *link)
{
	struct finding_subject subject = {
		.family = family == AF_INET6 ? "ipv6" : "ipv4",
		.reason = reason,
	};

	snprintf(subject.object, sizeof(subject.object), "%s", line);
	snprintf(subject.uplink, sizeof(subject.uplink), "%s", u ? u->name : "");
	snprintf(subject.egress, sizeof(subject.egress), "%s", link ? link->name : "");
	findings_about(k->f, &subject);
}

static void target_format(const struct checking *k, const struct rule_state *r,
			  const struct route_state *route, char *buf, size_t size)
{
	const struct link_state *link = link_of(k, route);

	if (r->action == FR_ACT_GOTO)
		snprintf(buf, size, "skip Waymark's rules");
	else if (!route)
		snprintf(buf, size, "are dropped");
	else if (!link)
		snprintf(buf, size, "go to table %" PRIu32, r->table);
	else
		snprintf(buf, size, "leave by interface %s (table %" PRIu32 ")", link->name,
			 r->table);
}

static void harm_add(const struct checking *k, const struct rule_state *r, const struct harm *h)
{
	const struct route_state *route =
		r->action == FR_ACT_TO_TBL ? diverting_route(k->s, r) : NULL;
	char line[LINE_SIZE], does[96];
	bool is_all = h->worst == MATCH_ALL;

	rule_format(line, sizeof(line), r);
	target_format(k, r, route, does, sizeof(does));
	findings_add(k->f, is_all ? FINDING_ERROR : FINDING_WARNING,
		     "the ip rule \"%s\" (%s) comes before Waymark's rules: %s flows pinned to "
		     "uplink %s%s %s",
		     line, family_name(r->family), is_all ? "all" : "matching", h->uplink->name,
		     h->uplinks > 1 ? " and other uplinks" : "", does);
	subject_add(k, REASON_RULE_BEFORE, r->family, line, h->uplink, link_of(k, route));
	fix_by_moving(k, r);
}

/* Return a mask that has as many bits as mark-mask and shares no bit with the ip rules of other
 * programs. Return 0 if there is no such mask. */
static uint32_t mask_proposal(const struct checking *k)
{
	for (unsigned shift = 0; shift < 32; shift++) {
		uint32_t width = k->c->mark_mask >> __builtin_ctz(k->c->mark_mask);
		uint32_t mask = width << shift;
		bool is_free = mask >> shift == width;

		for (size_t i = 0; is_free && i < k->s->n_rules; i++) {
			const struct rule_state *r = &k->s->rules[i];
			uint32_t used = r->fwmask == UINT32_MAX ? r->fwmark : r->fwmask;

			is_free = r->protocol == ROUTE_PROTOCOL_WAYMARK || !(used & mask);
		}
		if (is_free)
			return mask;
	}
	return 0;
}

/* Report a rule of another program that diverts no pinned flow but matches bits of mark-mask. The
 * other program sets these bits in packets for its own rule, but Waymark reads them as the mark of
 * an uplink. A rule that leads to the table of the uplink with that mark is not a conflict. */
static void shared_mark_add(const struct checking *k, const struct rule_state *r)
{
	uint32_t bits = r->fwmark & r->fwmask & k->c->mark_mask, mask = mask_proposal(k);
	const struct uplink_config *u = config_uplink_by_mark(k->c, bits);
	char line[LINE_SIZE];

	rule_format(line, sizeof(line), r);
	if (!bits || r->is_inverted || (u && u->table == r->table))
		return;
	findings_add(k->f, FINDING_WARNING,
		     "the ip rule \"%s\" (%s) matches mark bits 0x%" PRIx32
		     " (under mark-mask 0x%" PRIx32 ")%s%s",
		     line, family_name(r->family), bits, k->c->mark_mask,
		     u ? ", the mark of uplink " : ", which no uplink has", u ? u->name : "");
	subject_add(k, REASON_RULE_BEFORE, r->family, line, u, NULL);
	if (mask)
		findings_fix(k->f,
			     "set mark-mask = 0x%" PRIx32 " and give each uplink a mark under it",
			     mask);
}

static void vrf_rule_add(const struct checking *k, const struct rule_state *r)
{
	char line[LINE_SIZE];

	rule_format(line, sizeof(line), r);
	findings_add(k->f, FINDING_OK,
		     "the ip rule \"%s\" (%s) is the kernel's rule for VRFs and matches only "
		     "packets of VRFs",
		     line, family_name(r->family));
}

static void rule_checked(const struct checking *k, const struct rule_state *r)
{
	struct harm h = {MATCH_NEVER, NULL, 0};

	for (size_t i = 0; i < k->c->n_uplinks; i++) {
		const struct uplink_config *u = &k->c->uplinks[i];
		enum match harm = rule_harm(k, r, u);

		if (harm == MATCH_NEVER)
			continue;
		h.worst = harm > h.worst ? harm : h.worst;
		h.uplink = h.uplinks++ ? h.uplink : u;
	}
	if (h.uplinks)
		harm_add(k, r, &h);
	else if (r->extra.is_l3mdev)
		vrf_rule_add(k, r);
	else if (r->fwmask)
		shared_mark_add(k, r);
}

/* --- routes that divert pinned flows --------------------------------------------------- */

/* Return whether the kernel would choose r for a forwarded packet with this mark whose destination
 * is in the prefix of r. */
static bool route_takes_over(const struct netstate *all, const struct route_state *r, uint32_t mark)
{
	struct fib_query q = {
		.dst = r->dst.addr,
		.family = r->family,
		.mark = mark,
		.iifname = "",
	};
	struct fib_answer a;

	q.dst.bytes[addr_size(r->family) - 1] |= 1;
	fib_lookup(all, &q, &a);
	return a.route && route_is_same_place(a.route, r);
}

static void route_fix(const struct checking *k, const struct route_state *r, const char *line)
{
	char quoted[2 * LINE_SIZE];

	findings_fix(k->f, "ip %s route del %s", r->family == AF_INET6 ? "-6" : "-4",
		     shell_line(quoted, sizeof(quoted), line));
}

/* Return the first uplink whose pinned flows are diverted by route r, or NULL. */
static const struct uplink_config *
uplink_taken_over(const struct checking *k, const struct netstate *all, const struct route_state *r)
{
	for (size_t i = 0; i < k->c->n_uplinks; i++) {
		const struct uplink_config *u = &k->c->uplinks[i];
		const struct link_state *link = netstate_link_by_name(k->s, u->ifname);

		if (link && !fib_route_leads_to(r, link->index) &&
		    route_takes_over(all, r, u->mark))
			return u;
	}
	return NULL;
}

static bool leads_to_the_only_uplink(const struct checking *k, const struct route_state *r)
{
	const struct link_state *link = netstate_link_by_name(k->s, k->c->uplinks[0].ifname);

	return k->c->n_uplinks == 1 && link && fib_route_leads_to(r, link->index);
}

/* Report a route that only affects the first packets of flows, which have no mark yet. Packets of
 * pinned flows do not use the route. */
static void preference_add(const struct checking *k, const struct route_state *r, const char *line)
{
	const struct link_state *link = link_of(k, r);
	char does[64] = "are refused";

	if (r->type == RTN_UNICAST)
		snprintf(does, sizeof(does), "leave by interface %s", link ? link->name : "?");
	findings_add(
		k->f, FINDING_WARNING,
		"the %s route \"%s\" comes before the default routes of the uplinks: new flows "
		"%s; pinned flows stay on their uplinks",
		family_name(r->family), line, does);
	subject_add(k, REASON_ROUTE_SPECIFIC, r->family, line, NULL, link);
	route_fix(k, r, line);
}

static void takeover_checked(const struct checking *k, const struct netstate *all,
			     const struct route_state *r)
{
	const struct uplink_config *u = uplink_taken_over(k, all, r);
	char line[LINE_SIZE];

	route_format(line, sizeof(line), r, k->s);
	if (u) {
		findings_add(k->f, FINDING_ERROR,
			     "the %s route \"%s\" %s flows pinned to uplink %s",
			     family_name(r->family), line,
			     r->type == RTN_UNICAST ? "takes over" : "refuses", u->name);
		subject_add(k, REASON_ROUTE_SPECIFIC, r->family, line, u, link_of(k, r));
		route_fix(k, r, line);
	} else if (!leads_to_the_only_uplink(k, r) && route_takes_over(all, r, 0)) {
		preference_add(k, r, line);
	}
}

/* Return the state in which routes are looked up: the rules of other programs and those routes of
 * other programs that take the place of a default route, both from the snapshot, and the rules and
 * routes of Waymark, from the plan. Return NULL if memory is short. */
static struct netstate *state_merge(const struct checking *k)
{
	struct netstate *all = netstate_new();
	bool is_whole = all != NULL;

	for (size_t i = 0; is_whole && i < k->s->n_rules; i++)
		if (k->s->rules[i].protocol != ROUTE_PROTOCOL_WAYMARK)
			is_whole = netstate_add_rule(all, &k->s->rules[i]) != NULL;
	for (size_t i = 0; is_whole && i < k->ours->n_rules; i++)
		is_whole = netstate_add_rule(all, &k->ours->rules[i]) != NULL;
	for (size_t i = 0; is_whole && i < k->s->n_routes; i++)
		if (k->s->routes[i].protocol != ROUTE_PROTOCOL_WAYMARK &&
		    hostcheck_prefix_is_general(&k->s->routes[i].dst))
			is_whole = netstate_add_route(all, &k->s->routes[i]) != NULL;
	for (size_t i = 0; is_whole && i < k->ours->n_routes; i++)
		is_whole = netstate_add_route(all, &k->ours->routes[i]) != NULL;
	if (is_whole)
		return all;
	netstate_free(all);
	return NULL;
}

/* Return whether a route of another program can divert flows, because it takes the place of a
 * default route. A unicast default route is not counted: Waymark derives the uplinks' default
 * routes from such routes. */
static bool may_take_over(const struct route_state *r)
{
	return (r->dst.len || r->type != RTN_UNICAST) && hostcheck_prefix_is_general(&r->dst) &&
	       r->protocol != ROUTE_PROTOCOL_WAYMARK;
}

static void takeovers_checked(const struct checking *k)
{
	struct netstate *all = NULL;

	for (size_t i = 0; i < k->s->n_routes; i++) {
		const struct route_state *r = &k->s->routes[i];

		if (r->table != RT_TABLE_MAIN || !may_take_over(r))
			continue;
		if (!all)
			all = state_merge(k);
		if (!all) {
			k->f->error = -ENOMEM;
			return;
		}
		takeover_checked(k, all, r);
	}
	netstate_free(all);
}

void hostcheck_rules(struct findings *f, const struct config *c, const struct netstate *s,
		     const struct route_plan *plan)
{
	const struct checking k = {f, c, s, plan->wanted};
	size_t before = f->n - findings_count(f, FINDING_OK);

	/* In mode audit all rules belong to other programs, including the rules that steer by
	 * mark. */
	for (size_t i = 0; c->mode == MODE_STEER && i < s->n_rules; i++)
		if (s->rules[i].protocol != ROUTE_PROTOCOL_WAYMARK)
			rule_checked(&k, &s->rules[i]);
	takeovers_checked(&k);
	if (c->mode == MODE_STEER && f->n - findings_count(f, FINDING_OK) == before)
		findings_add(f, FINDING_OK,
			     "no ip rule of another program takes over pinned flows");
}

/* --- tproxy -------------------------------------------------------------------------------- */

static bool table_delivers_here(const struct netstate *s, const struct rule_state *r)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].family == r->family && s->routes[i].table == r->table &&
		    s->routes[i].type == RTN_LOCAL && !s->routes[i].dst.len)
			return true;
	return false;
}

/* Report rules of transparent proxies (tproxy). If src_valid_mark is 1, the reverse path check uses
 * the packet mark when it looks up the source address. The proxy's rule then leads this look-up to
 * a table in which every address is local, so the kernel drops the packet as a martian. */
void hostcheck_tproxy(struct findings *f, const struct netstate *s, bool is_valid_mark)
{
	char line[LINE_SIZE];

	for (size_t i = 0; is_valid_mark && i < s->n_rules; i++) {
		const struct rule_state *r = &s->rules[i];

		if (r->family != AF_INET || !r->fwmask || r->table == RT_TABLE_LOCAL ||
		    !table_delivers_here(s, r))
			continue;
		rule_format(line, sizeof(line), r);
		findings_add(f, FINDING_WARNING,
			     "the ip rule \"%s\" (IPv4) delivers marked packets to this host "
			     "(tproxy), but the kernel drops them as martians because "
			     "net.ipv4.conf.all.src_valid_mark is 1",
			     line);
		findings_fix(f, "sysctl -w net.ipv4.conf.all.src_valid_mark=0");
	}
}
