/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_marks.c - the rules that mark flows and restore marks: prerouting and output.
 *
 * Must not know what is seen of packets that leave (ruleset_evidence.c).
 */
#include <inttypes.h>

#include "plan/ruleset_internal.h"

static void put_event_mask(struct render *r)
{
	if (r->is_minimal)
		fputs("\t\tct status ! confirmed ct event set " RULESET_EVENT_MASK "\n", r->out);
}

/* --- chains that are common to all uplinks ----------------------------------------- */

/* A packet that was in a tunnel still has the mark of the packet around it. */
static void put_unmarked(struct render *r)
{
	uint32_t mask = r->config->mark_mask;

	fprintf(r->out,
		"\tchain unmarked {\n"
		"\t\tmeta mark & 0x%08" PRIx32 " != 0x0 meta mark set meta mark & 0x%08" PRIx32 "\n"
		"\t\tct state established return\n",
		mask, ~mask);
	put_event_mask(r);
	fputs("\t\tct state new iifname ", r->out);
	render_name_map(r, "enter");
	fputs("\t\tct state related ct status ! confirmed iifname ", r->out);
	render_name_map(r, "enter");
	fputs("\t}\n\n", r->out);
}

static void put_pinned(struct render *r)
{
	fputs("\tchain pinned {\n", r->out);
	render_mark_map(r, "restore");
	fputs("\t}\n\n", r->out);
}

/* The router's own packet with a mark under the mask: its socket's, or inherited. */
static void put_owned(struct render *r)
{
	fputs("\tchain owned {\n", r->out);
	put_event_mask(r);
	fprintf(r->out, "\t\tsocket mark & 0x%08" PRIx32 " != 0x0 return\n", r->config->mark_mask);
	render_mark_map(r, "restore");
	fputs("\t}\n\n", r->out);
}

/* --- chains per uplink ---------------------------------------------------------------- */

static void put_enter(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain enter_0x%" PRIx32 " {\n"
		"\t\tct mark set ct mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n"
		"\t\tct label set %u\n\t}\n\n",
		mark, ~r->config->mark_mask, mark, render_label(r, LABEL_ENTERED));
}

static void put_restore(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain restore_0x%" PRIx32 " {\n"
		"\t\tmeta mark set meta mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n\t}\n\n",
		mark, ~r->config->mark_mask, mark);
}

/* The first reply of a flow from inside is counted. A related flow has its master's
 * mark when it arrives, so that it is not marked as it enters. */
static void put_early(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain early_0x%" PRIx32 " {\n"
		"\t\tct direction reply ct reply packets 1 meta nfproto ipv4 counter return "
		"comment \"" RULESET_COUNT_ANSWERED4 " 0x%" PRIx32 "\"\n"
		"\t\tct direction reply ct reply packets 1 counter return "
		"comment \"" RULESET_COUNT_ANSWERED6 " 0x%" PRIx32 "\"\n"
		"\t\tct state related ct status ! confirmed ct label set %u\n\t}\n\n",
		mark, mark, mark, render_label(r, LABEL_ENTERED));
}

/* What arrives from an uplink is not marked, unless it is a reply that must leave by
 * another one. */
static void put_arrive(struct render *r, const struct uplink_config *u)
{
	uint32_t mask = r->config->mark_mask, mark = u->mark;

	fprintf(r->out,
		"\tchain arrive_other_0x%" PRIx32 " {\n"
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 goto unmarked\n"
		"\t\tct direction reply ct label %u goto pinned\n\t}\n\n"
		"\tchain arrive_0x%" PRIx32 " {\n"
		"\t\tct mark & 0x%08" PRIx32 " != 0x%" PRIx32 " goto arrive_other_0x%" PRIx32 "\n"
		"\t\tct reply packets < 2 goto early_0x%" PRIx32 "\n\t}\n\n",
		mark, mask, render_label(r, LABEL_ENTERED), mark, mask, mark, mark, mark);
}

void render_mark_chains(struct render *r)
{
	const struct config *c = r->config;

	put_unmarked(r);
	put_owned(r);
	put_pinned(r);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		put_enter(r, c->uplinks[i].mark);
		put_restore(r, c->uplinks[i].mark);
		put_early(r, c->uplinks[i].mark);
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
		render_mark_map(r, "restore");
	fputs("\t}\n\n", r->out);
}

/* Of type route: only that looks the route up again for a local packet. */
void render_output(struct render *r)
{
	fprintf(r->out,
		"\tchain output {\n"
		"\t\ttype route hook output priority mangle; policy accept;\n"
		"\t\tmeta mark & 0x%08" PRIx32 " != 0x0 goto owned\n",
		r->config->mark_mask);
	render_mark_map(r, "restore");
	fputs("\t}\n\n", r->out);
}

/* Without steering only the direction needs to be known: which flows entered by
 * an uplink. */
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
		"\t\tct status ! confirmed iifname @uplinks ct label set %u\n",
		render_label(r, LABEL_ENTERED));
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
