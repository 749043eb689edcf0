/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.c - the nftables text of table inet waymark.
 *
 * Must not know who loads it. What the rules do, in the order a packet meets
 * them:
 *
 *   prerouting, output   a flow with a mark: the packet gets it back before
 *                        routing. A flow without: if its first packet came in by
 *                        an uplink, it is marked for that uplink and labelled
 *                        "entered"; of such a flow only replies are restored,
 *                        for they are what its mark stands for.
 *   postrouting          a packet that leaves by an uplink: if the flow's mark
 *                        names it, label it and be done. If the flow is new and
 *                        has no mark, mark it. Else it is evidence: label it and
 *                        send it to the log group, before source NAT can drop it.
 *                        Each packet is counted once: how much left can be held
 *                        against how much the flows of the history account for.
 *
 * Nothing of a good flow reaches user space. Few uplinks are compared one after
 * the other, which costs less than one map look-up; more are looked up, which
 * costs the same for sixty as for five. A packet's interface is compared by index
 * first, which is cheapest, and by name where no index fits: an interface that is
 * made again has another index, and keeps being steered and audited by its name
 * until somebody loads the rules again. Maps have a size, so that the kernel
 * takes its fixed hash and not the resizable one (tests/bench/RESULTS.md). Other
 * people's bits of both marks are kept by and/or constants, rules of its own an
 * uplink, because nftables before 1.1.2 cannot combine two marks under a mask.
 */
#include "waymark/plan/ruleset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of a packet is copied to the log group: the headers, no more. */
#define SNAPLEN 128

/* Messages a second for what has been reported before: enough to follow, too
 * few to hurt. The first of each flow and uplink is never limited. */
#define REPEAT_RATE   1000
#define UNMARKED_RATE 200

/* Of ICMPv6: multicast listeners, router and neighbour discovery, which conntrack leaves
 * alone (linux, nf_conntrack_proto_icmpv6.c: noct_valid_new). One by one, for some
 * nftables lists a range of them in words that it does not read. */
#define NEIGHBOUR_TYPES "130, 131, 132, 133, 134, 135, 136, 143"

/* Up to so many uplinks are compared, more are looked up. */
#define FEW 4

/* Room for UPLINKS_MAX and one more. */
#define MAP_SIZE 64

struct render {
	FILE *out;
	const struct config *config;
	const struct netstate *links; /* or NULL */
	bool is_minimal;
};

static unsigned label_of(const struct config *c, const struct uplink_config *u)
{
	return c->label_base + LABELS_RESERVED + u->slot;
}

/* nftables reads a trailing '*' as a wildcard unless it is escaped. */
static void put_ifname(FILE *out, const char *ifname)
{
	size_t n = strlen(ifname);

	if (n && ifname[n - 1] == '*')
		fprintf(out, "\"%.*s\\*\"", (int)n - 1, ifname);
	else
		fprintf(out, "\"%s\"", ifname);
}

static void put_interface_map(struct render *r, const char *map, const char *chain)
{
	const struct config *c = r->config;

	fprintf(r->out, "\tmap %s {\n\t\ttype ifname : verdict\n\t\tsize %d\n\t\telements = {", map,
		MAP_SIZE);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		fprintf(r->out, "%s ", i ? "," : "");
		put_ifname(r->out, c->uplinks[i].ifname);
		fprintf(r->out, " : goto %s_0x%" PRIx32, chain, c->uplinks[i].mark);
	}
	fputs(" }\n\t}\n\n", r->out);
}

/* The index of an uplink's interface now; 0: there is none. */
static uint32_t index_of(const struct render *r, const struct uplink_config *u)
{
	const struct link_state *l = r->links ? netstate_link_by_name(r->links, u->ifname) : NULL;

	return l ? l->index : 0;
}

static bool has_indexes(const struct render *r)
{
	for (size_t i = 0; i < r->config->n_uplinks; i++) {
		if (index_of(r, &r->config->uplinks[i]))
			return true;
	}
	return false;
}

static void put_index_map(struct render *r)
{
	const struct config *c = r->config;
	const char *separator = "";

	if (!has_indexes(r))
		return;
	fprintf(r->out,
		"\tmap leave_index {\n\t\ttype iface_index : verdict\n\t\tsize %d\n\t\telements = "
		"{",
		MAP_SIZE);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		uint32_t index = index_of(r, &c->uplinks[i]);

		if (!index)
			continue;
		fprintf(r->out, "%s %" PRIu32 " : goto leave_0x%" PRIx32, separator, index,
			c->uplinks[i].mark);
		separator = ",";
	}
	fputs(" }\n\t}\n\n", r->out);
}

static void put_interface_set(struct render *r)
{
	const struct config *c = r->config;

	fprintf(r->out, "\tset uplinks {\n\t\ttype ifname\n\t\tsize %d\n\t\telements = {",
		MAP_SIZE);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		fprintf(r->out, "%s ", i ? "," : "");
		put_ifname(r->out, c->uplinks[i].ifname);
	}
	fputs(" }\n\t}\n\n", r->out);
}

static void put_restore_map(struct render *r)
{
	const struct config *c = r->config;

	fprintf(r->out,
		"\tmap restore {\n\t\ttype mark : verdict\n\t\tsize %d\n"
		"\t\telements = { 0x0 : goto unmarked",
		MAP_SIZE);
	for (size_t i = 0; i < c->n_uplinks; i++)
		fprintf(r->out, ", 0x%" PRIx32 " : goto restore_0x%" PRIx32, c->uplinks[i].mark,
			c->uplinks[i].mark);
	fputs(" }\n\t}\n\n", r->out);
}

static bool is_few(const struct render *r)
{
	return r->config->n_uplinks <= FEW;
}

static unsigned entered_label(const struct config *c)
{
	return c->label_base + LABEL_ENTERED;
}

static void put_unmarked(struct render *r)
{
	fputs("\tchain unmarked {\n\t\tct state established return\n", r->out);
	if (r->is_minimal)
		fputs("\t\tct status ! confirmed ct event set " RULESET_EVENT_MASK "\n", r->out);
	fputs("\t\tct state new iifname vmap @enter\n"
	      "\t\tct state related ct status ! confirmed iifname vmap @enter\n\t}\n\n",
	      r->out);
}

static void put_enters(struct render *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->n_uplinks; i++)
		fprintf(r->out,
			"\tchain enter_0x%" PRIx32 " {\n"
			"\t\tct mark set ct mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n"
			"\t\tct label set %u\n\t}\n\n",
			c->uplinks[i].mark, ~c->mark_mask, c->uplinks[i].mark, entered_label(c));
}

static void put_restores(struct render *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->n_uplinks; i++)
		fprintf(r->out,
			"\tchain restore_0x%" PRIx32 " {\n"
			"\t\tmeta mark set meta mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n\t}\n\n",
			c->uplinks[i].mark, ~c->mark_mask, c->uplinks[i].mark);
	fprintf(r->out,
		"\tchain entered {\n\t\tct direction reply ct mark & 0x%08" PRIx32
		" vmap @restore\n\t}\n\n",
		c->mark_mask);
	fprintf(r->out,
		"\tchain arrived {\n"
		"\t\tct direction reply ct mark & 0x%08" PRIx32 " vmap @restore\n"
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 goto unmarked\n\t}\n\n",
		c->mark_mask, c->mark_mask);
}

/* A related flow has its master's mark when it arrives, so that it is not marked
 * as it enters; that it entered is seen as it leaves. */
static void put_related(struct render *r)
{
	fprintf(r->out,
		"\tchain related {\n"
		"\t\tct status ! confirmed iifname @uplinks ct label set %u\n\t}\n\n",
		entered_label(r->config));
}

static void put_reports(struct render *r)
{
	const struct config *c = r->config;
	unsigned transit = c->label_base + LABEL_TRANSIT;
	static const char *const direction[] = {"original", "reply"};

	fputs("\tchain report {\n", r->out);
	for (int d = 0; d < 2; d++)
		fprintf(r->out,
			"\t\tct direction %s log prefix \"" PREFIX_MISMATCH
			"%s\" group %u snaplen %d\n",
			direction[d], direction[d], c->nflog_group, SNAPLEN);
	fputs("\t}\n\n", r->out);

	fprintf(r->out,
		"\tchain repeated {\n"
		"\t\tlimit rate %d/second burst %d packets goto report\n\t}\n\n",
		REPEAT_RATE, REPEAT_RATE);

	fprintf(r->out,
		"\tchain transit {\n"
		"\t\tct label %u return\n"
		"\t\tct label set %u\n"
		"\t\tlog prefix \"" PREFIX_TRANSIT "original\" group %u snaplen %d\n\t}\n\n",
		transit, transit, c->nflog_group, SNAPLEN);

	/* Only a flow from before the labels needs a message: of the others the
	 * label and the mark in the events tell the same. */
	fprintf(r->out, "\tchain unlabelled {\n\t\tlimit rate %d/second burst %d packets",
		UNMARKED_RATE, UNMARKED_RATE);
	fprintf(r->out, " log prefix \"" PREFIX_UNMARKED "\" group %u snaplen %d\n\t}\n\n",
		c->nflog_group, SNAPLEN);
}

/* What no flow can account for is counted apart, and nothing more can be learnt of
 * it. Neighbour discovery is the link's own, as ARP is. */
static void put_uncounted(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\t\tct state untracked icmpv6 type { " NEIGHBOUR_TYPES
		" } counter return comment \"" RULESET_COUNT_NEIGHBOURS " 0x%" PRIx32 "\"\n"
		"\t\tct state invalid,untracked counter return comment \"" RULESET_COUNT_UNTRACKED
		" 0x%" PRIx32 "\"\n"
		"\t\tcounter comment \"" RULESET_COUNT_OUT " 0x%" PRIx32 "\"\n",
		mark, mark, mark);
}

static void put_leave(struct render *r, const struct uplink_config *u)
{
	const struct config *c = r->config;
	unsigned label = label_of(c, u);
	uint32_t mask = c->mark_mask, mark = u->mark;

	fprintf(r->out, "\tchain mismatch_0x%" PRIx32 " {\n", mark);
	fprintf(r->out, "\t\tct label %u goto repeated\n", label);
	fprintf(r->out, "\t\tct label set %u\n", label);
	fprintf(r->out, "\t\tct label %u goto report\n", label);
	fputs("\t\tgoto repeated\n\t}\n\n", r->out);

	fprintf(r->out, "\tchain unmarked_0x%" PRIx32 " {\n", mark);
	fprintf(r->out, "\t\tct label set %u\n", label);
	fprintf(r->out, "\t\tct label %u return\n", label);
	fputs("\t\tgoto unlabelled\n\t}\n\n", r->out);

	if (c->mode == MODE_STEER) {
		fprintf(r->out, "\tchain mark_0x%" PRIx32 " {\n", mark);
		fprintf(r->out, "\t\tct mark set ct mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n",
			~mask, mark);
		fprintf(r->out, "\t\tct label set %u\n\t}\n\n", label);
	}

	fprintf(r->out, "\tchain other_0x%" PRIx32 " {\n", mark);
	put_uncounted(r, mark);
	if (c->mode == MODE_STEER) {
		fprintf(r->out,
			"\t\tct mark & 0x%08" PRIx32 " == 0x0 ct state new goto mark_0x%" PRIx32
			"\n",
			mask, mark);
		fprintf(r->out,
			"\t\tct mark & 0x%08" PRIx32
			" == 0x0 ct status ! confirmed goto mark_0x%" PRIx32 "\n",
			mask, mark);
	}
	fprintf(r->out, "\t\tct direction original ct label %u goto transit\n", entered_label(c));
	fprintf(r->out, "\t\tct mark & 0x%08" PRIx32 " == 0x0 goto unmarked_0x%" PRIx32 "\n", mask,
		mark);
	fprintf(r->out, "\t\tgoto mismatch_0x%" PRIx32 "\n\t}\n\n", mark);

	fprintf(r->out, "\tchain leave_0x%" PRIx32 " {\n", mark);
	fprintf(r->out,
		"\t\tct mark & 0x%08" PRIx32 " == 0x%" PRIx32
		" ct label set %u counter return comment \"" RULESET_COUNT_OUT " 0x%" PRIx32 "\"\n",
		mask, mark, label, mark);
	fprintf(r->out, "\t\tgoto other_0x%" PRIx32 "\n\t}\n\n", mark);
}

/* What arrives from an uplink is told apart by the interface's index, or, where
 * there is none or there are many, by the label that says "entered": of flows that
 * entered by an uplink only replies are restored. (A packet from an uplink that
 * was made again behind our back is restored in both directions: its destination
 * is local, and local routes come first, but for transit between uplinks.) */
static void put_arrivals(struct render *r)
{
	const struct config *c = r->config;
	bool is_by_index = is_few(r);

	for (size_t i = 0; i < c->n_uplinks; i++)
		is_by_index = is_by_index && index_of(r, &c->uplinks[i]);
	if (!is_by_index) {
		fprintf(r->out, "\t\tct label %u goto entered\n", entered_label(c));
		return;
	}
	for (size_t i = 0; i < c->n_uplinks; i++)
		fprintf(r->out, "\t\tiif %" PRIu32 " goto arrived\n", index_of(r, &c->uplinks[i]));
}

static void put_prerouting(struct render *r)
{
	const struct config *c = r->config;
	uint32_t mask = c->mark_mask;

	fputs("\tchain prerouting {\n"
	      "\t\ttype filter hook prerouting priority mangle; policy accept;\n",
	      r->out);
	put_arrivals(r);
	for (size_t i = 0; is_few(r) && i < c->n_uplinks; i++)
		fprintf(r->out,
			"\t\tct mark & 0x%08" PRIx32 " == 0x%" PRIx32
			" meta mark set meta mark & 0x%08" PRIx32 " | 0x%" PRIx32 " return\n",
			mask, c->uplinks[i].mark, ~mask, c->uplinks[i].mark);
	fprintf(r->out, "\t\tct mark & 0x%08" PRIx32 " vmap @restore\n\t}\n\n", mask);
}

/* Of type route: only that looks the route up again for a local packet. */
static void put_output(struct render *r)
{
	fprintf(r->out,
		"\tchain output {\n"
		"\t\ttype route hook output priority mangle; policy accept;\n"
		"\t\tct mark & 0x%08" PRIx32 " vmap @restore\n\t}\n\n",
		r->config->mark_mask);
}

static void put_input(struct render *r)
{
	fputs("\tchain input {\n"
	      "\t\ttype filter hook input priority mangle; policy accept;\n"
	      "\t\tct state related goto related\n\t}\n\n",
	      r->out);
}

/* Without steering only the direction needs to be known: which flows entered by
 * an uplink. */
static void put_audit_hooks(struct render *r)
{
	const struct config *c = r->config;

	fprintf(r->out,
		"\tchain prerouting {\n"
		"\t\ttype filter hook prerouting priority mangle; policy accept;\n"
		"\t\tct status ! confirmed iifname @uplinks ct label set %u\n",
		entered_label(c));
	if (r->is_minimal)
		fputs("\t\tct status ! confirmed ct event set " RULESET_EVENT_MASK "\n", r->out);
	fputs("\t}\n\n", r->out);
	if (r->is_minimal)
		fputs("\tchain output {\n"
		      "\t\ttype filter hook output priority mangle; policy accept;\n"
		      "\t\tct status ! confirmed ct event set " RULESET_EVENT_MASK "\n\t}\n\n",
		      r->out);
}

static void put_match_by_index(struct render *r, const struct uplink_config *u)
{
	uint32_t index = index_of(r, u);

	if (!index)
		return;
	fprintf(r->out,
		"\t\toif %" PRIu32 " ct mark & 0x%08" PRIx32 " == 0x%" PRIx32
		" ct label set %u counter return comment \"" RULESET_COUNT_OUT " 0x%" PRIx32 "\"\n",
		index, r->config->mark_mask, u->mark, label_of(r->config, u), u->mark);
}

static void put_leave_by_name(struct render *r, const struct uplink_config *u)
{
	fputs("\t\toifname ", r->out);
	put_ifname(r->out, u->ifname);
	fprintf(r->out, " goto leave_0x%" PRIx32 "\n", u->mark);
}

static void put_postrouting(struct render *r)
{
	const struct config *c = r->config;

	fputs("\tchain postrouting {\n"
	      "\t\ttype filter hook postrouting priority mangle; policy accept;\n",
	      r->out);
	if (is_few(r)) {
		for (size_t i = 0; i < c->n_uplinks; i++)
			put_match_by_index(r, &c->uplinks[i]);
		for (size_t i = 0; i < c->n_uplinks; i++)
			put_leave_by_name(r, &c->uplinks[i]);
	} else {
		if (has_indexes(r))
			fputs("\t\toif vmap @leave_index\n", r->out);
		fputs("\t\toifname vmap @leave\n", r->out);
	}
	if (c->mode == MODE_STEER)
		fputs("\t\tct state related goto related\n", r->out);
	fputs("\t}\n", r->out);
}

static void put_table(struct render *r)
{
	const struct config *c = r->config;

	fprintf(r->out, "add table %s %s\ndelete table %s %s\ntable %s %s {\n", RULESET_FAMILY,
		RULESET_TABLE, RULESET_FAMILY, RULESET_TABLE, RULESET_FAMILY, RULESET_TABLE);
	put_interface_set(r);
	if (c->mode == MODE_STEER) {
		put_interface_map(r, "enter", "enter");
		put_restore_map(r);
		put_unmarked(r);
		put_enters(r);
		put_restores(r);
		put_related(r);
	}
	put_reports(r);
	for (size_t i = 0; i < c->n_uplinks; i++)
		put_leave(r, &c->uplinks[i]);
	if (!is_few(r)) {
		put_index_map(r);
		put_interface_map(r, "leave", "leave");
	}
	if (c->mode == MODE_STEER) {
		put_prerouting(r);
		put_input(r);
		put_output(r);
	} else {
		put_audit_hooks(r);
	}
	put_postrouting(r);
	fputs("}\n", r->out);
}

char *ruleset_render(const struct config *c, const struct netstate *links, bool is_minimal_events)
{
	char *text = NULL;
	size_t size = 0;
	struct render r = {.config = c, .links = links, .is_minimal = is_minimal_events};

	r.out = open_memstream(&text, &size);
	if (!r.out)
		return NULL;
	put_table(&r);
	if (fclose(r.out)) {
		free(text);
		errno = ENOMEM;
		return NULL;
	}
	return text;
}
