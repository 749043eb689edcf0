/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_marks.c - makes the rules that mark flows and restore marks (prerouting and output).
 *
 * Must not know how packets that leave are examined (ruleset_evidence.c).
 */
#include <inttypes.h>

#include "plan/ruleset_internal.h"

static void put_event_mask(struct render *r)
{
	if (r->is_minimal)
		fputs("\t\tct status ! confirmed ct event set " RULESET_EVENT_MASK "\n", r->out);
}

/* --- chains that are common to all uplinks ----------------------------------------- */

/* Clear the packet mark under mark-mask. A packet that was decapsulated from a tunnel can still
 * have the mark of the outer packet. */
static void put_clear(struct render *r)
{
	uint32_t mask = r->config->mark_mask;

	fprintf(r->out,
		"\t\tmeta mark & 0x%08" PRIx32 " != 0x0 meta mark set meta mark & 0x%08" PRIx32
		"\n",
		mask, ~mask);
}

static void put_unmarked(struct render *r)
{
	fputs("\tchain unmarked {\n", r->out);
	put_clear(r);
	fputs("\t\tct state established return\n", r->out);
	put_event_mask(r);
	fputs("\t\tct state new iifname ", r->out);
	render_name_map(r, "enter");
	fputs("\t\tct state related ct status ! confirmed iifname ", r->out);
	render_name_map(r, "enter");
	fputs("\t}\n\n\tchain unmarked_own {\n", r->out);
	put_clear(r);
	put_event_mask(r);
	fputs("\t}\n\n", r->out);
}

static void put_pinned(struct render *r)
{
	fputs("\tchain pinned {\n", r->out);
	render_mark_map(r, "unmarked", "restore");
	fputs("\t}\n\n", r->out);
}

/* Handle original packets of a flow that is labelled "transit". Unless it is also labelled
 * "entered", the flow has turned: it came in by one uplink and is pinned to the uplink that it
 * leaves by, so its packets get its mark. Packets for a transparent proxy go to a local socket and
 * get no mark. */
static void put_turned(struct render *r)
{
	fprintf(r->out,
		"\tchain turned {\n"
		"\t\tct label %u return\n"
		"\t\tsocket transparent 1 return\n"
		"\t\tgoto pinned\n\t}\n\n",
		render_label(r, LABEL_ENTERED));
}

/* Handle a packet of this host that already has a mark under mark-mask. If the packet's socket has
 * a mark under mark-mask, too, the packet keeps its mark. Otherwise the packet does not have its
 * mark from the socket, and gets the mark of its flow. */
static void put_owned(struct render *r)
{
	fputs("\tchain owned {\n", r->out);
	put_event_mask(r);
	fprintf(r->out, "\t\tsocket mark & 0x%08" PRIx32 " != 0x0 return\n", r->config->mark_mask);
	render_mark_map(r, "unmarked_own", "restore");
	fputs("\t}\n\n", r->out);
}

/* --- chains per uplink ---------------------------------------------------------------- */

/* A host on an uplink's own network can use this router as its gateway. Its flows "turn": their
 * packets arrive by one uplink and leave by one. The rules guess from a flow's first packet whether
 * the flow turns. If the packet's source is private and its destination is routed by an uplink, the
 * flow is labelled "transit". Any other flow is labelled "entered", because its replies must leave
 * by the uplink that it came in by. The guess is corrected in postrouting, where the egress is
 * known. */
#define PRIVATE4 "10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16"
#define PRIVATE6 "fc00::/7"

/* Print the uplinks' names as an anonymous set. "fib" yields a string, which cannot be compared
 * with the named set of interface names. */
static void put_uplink_names(struct render *r)
{
	const struct config *c = r->config;

	fputs("{", r->out);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		fputs(i ? ", " : " ", r->out);
		render_ifname(r->out, c->uplinks[i].ifname);
	}
	fputs(" }", r->out);
}

static void put_turning(struct render *r, const char *sources)
{
	fprintf(r->out, "\t\t%s fib daddr oifname ", sources);
	put_uplink_names(r);
	fprintf(r->out, " ct label set %u return\n", render_label(r, LABEL_TRANSIT));
}

static void put_entered(struct render *r)
{
	fputs("\tchain entered {\n", r->out);
	put_turning(r, "ip saddr { " PRIVATE4 " }");
	put_turning(r, "ip6 saddr " PRIVATE6);
	fprintf(r->out, "\t\tct label set %u\n\t}\n\n", render_label(r, LABEL_ENTERED));
}

static void put_enter(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain enter_0x%" PRIx32 " {\n"
		"\t\tct mark set ct mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n"
		"\t\tgoto entered\n\t}\n\n",
		mark, ~r->config->mark_mask, mark);
}

static void put_restore(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain restore_0x%" PRIx32 " {\n"
		"\t\tmeta mark set meta mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n\t}\n\n",
		mark, ~r->config->mark_mask, mark);
}

/* Count the first reply of a flow from inside. */
static void put_first_reply(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain answered_0x%" PRIx32 " {\n"
		"\t\tmeta nfproto ipv4 counter return "
		"comment \"" RULESET_COUNT_ANSWERED4 " 0x%" PRIx32 "\"\n"
		"\t\tcounter comment \"" RULESET_COUNT_ANSWERED6 " 0x%" PRIx32 "\"\n\t}\n\n",
		mark, mark, mark);
}

/* Handle an original packet that arrives from an uplink and whose flow has a mark. A new related
 * flow has its master's mark, and a flow from conntrackd has the other router's mark. Such flows
 * have no label yet, so label them "entered": the related flow always, the other one if its source
 * is behind an uplink. */
static void put_arrive_original(struct render *r)
{
	unsigned entered = render_label(r, LABEL_ENTERED);

	fprintf(r->out,
		"\tchain arrive_original {\n"
		"\t\tct label %u goto turned\n"
		"\t\tct label %u return\n"
		"\t\tct state related ct status ! confirmed ct label set %u return\n"
		"\t\tfib saddr oifname ",
		render_label(r, LABEL_TRANSIT), entered, entered);
	put_uplink_names(r);
	fprintf(r->out,
		" ct label set %u\n\t}\n\n"
		"\tchain arrive_other {\n"
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 goto unmarked\n"
		"\t\tct direction reply ct label %u goto pinned\n"
		"\t\tct direction original goto arrive_original\n\t}\n\n",
		entered, r->config->mark_mask, entered);
}

/* Handle packets that arrive from an uplink. They get no packet mark, except replies that must
 * leave by another uplink and packets of a flow that has turned. */
static void put_arrive(struct render *r, const struct uplink_config *u)
{
	uint32_t mask = r->config->mark_mask, mark = u->mark;

	fprintf(r->out,
		"\tchain arrive_0x%" PRIx32 " {\n"
		"\t\tct mark & 0x%08" PRIx32 " != 0x%" PRIx32 " goto arrive_other\n"
		"\t\tct direction original goto arrive_original\n"
		"\t\tct reply packets 1 goto answered_0x%" PRIx32 "\n\t}\n\n",
		mark, mask, mark, mark);
}

void render_mark_chains(struct render *r)
{
	const struct config *c = r->config;

	put_unmarked(r);
	put_owned(r);
	put_pinned(r);
	put_turned(r);
	put_entered(r);
	put_arrive_original(r);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		put_enter(r, c->uplinks[i].mark);
		put_restore(r, c->uplinks[i].mark);
		put_first_reply(r, c->uplinks[i].mark);
		put_arrive(r, &c->uplinks[i]);
	}
}

/* --- hooks ------------------------------------------------------------------------------ */

static void put_arrivals(struct render *r)
{
	const struct config *c = r->config;

	if (!render_is_few(r)) {
		fputs("\t\tiifname ", r->out);
		render_name_map(r, "arrive");
		return;
	}
	for (size_t i = 0; i < c->n_uplinks; i++) {
		fputs("\t\tiifname ", r->out);
		render_ifname(r->out, c->uplinks[i].ifname);
		fprintf(r->out, " goto arrive_0x%" PRIx32 "\n", c->uplinks[i].mark);
	}
}

void render_prerouting(struct render *r)
{
	const struct config *c = r->config;
	uint32_t mask = c->mark_mask;

	fputs("\tchain prerouting {\n"
	      "\t\ttype filter hook prerouting priority mangle; policy accept;\n",
	      r->out);
	put_arrivals(r);
	for (size_t i = 0; render_is_few(r) && i < c->n_uplinks; i++)
		fprintf(r->out,
			"\t\tct mark & 0x%08" PRIx32 " == 0x%" PRIx32
			" meta mark set meta mark & 0x%08" PRIx32 " | 0x%" PRIx32 " return\n",
			mask, c->uplinks[i].mark, ~mask, c->uplinks[i].mark);
	if (render_is_few(r))
		fprintf(r->out, "\t\tct mark & 0x%08" PRIx32 " == 0x0 goto unmarked\n", mask);
	else
		render_mark_map(r, "unmarked", "restore");
	fputs("\t}\n\n", r->out);
}

/* The chain has type route, because only that type repeats the route look-up of a local packet. */
void render_output(struct render *r)
{
	fprintf(r->out,
		"\tchain output {\n"
		"\t\ttype route hook output priority mangle; policy accept;\n"
		"\t\tmeta mark & 0x%08" PRIx32 " != 0x0 goto owned\n",
		r->config->mark_mask);
	render_mark_map(r, "unmarked_own", "restore");
	fputs("\t}\n\n", r->out);
}

/* Count the first reply of a flow from inside, in mode audit. Replies of a flow that came in by an
 * uplink (LABEL_ENTERED) are not counted. */
static void put_answered(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain answered_0x%" PRIx32 " {\n"
		"\t\tct label %u return\n"
		"\t\tmeta nfproto ipv4 counter return "
		"comment \"" RULESET_COUNT_ANSWERED4 " 0x%" PRIx32 "\"\n"
		"\t\tcounter comment \"" RULESET_COUNT_ANSWERED6 " 0x%" PRIx32 "\"\n\t}\n\n",
		mark, render_label(r, LABEL_ENTERED), mark, mark);
}

void render_audit_chains(struct render *r)
{
	for (size_t i = 0; i < r->config->n_uplinks; i++)
		put_answered(r, r->config->uplinks[i].mark);
}

void render_audit_hooks(struct render *r)
{
	fprintf(r->out,
		"\tchain prerouting {\n"
		"\t\ttype filter hook prerouting priority mangle; policy accept;\n"
		"\t\tct status ! confirmed iifname @uplinks ct label set %u\n"
		"\t\tct original packets 1 ct direction original iifname @uplinks ct label set "
		"%u\n",
		render_label(r, LABEL_ENTERED), render_label(r, LABEL_ENTERED));
	put_event_mask(r);
	fputs("\t\tct reply packets 1 ct direction reply iifname ", r->out);
	render_name_map(r, "answered");
	fputs("\t}\n\n", r->out);
	if (!r->is_minimal)
		return;
	fputs("\tchain output {\n"
	      "\t\ttype filter hook output priority mangle; policy accept;\n",
	      r->out);
	put_event_mask(r);
	fputs("\t}\n\n", r->out);
}
