/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_evidence.c - makes the rules that observe where packets leave (postrouting). In mode
 * steer these rules also mark a flow when its first packet leaves.
 *
 * Must not know how marks are restored (ruleset_marks.c).
 */
#include <inttypes.h>

#include "plan/ruleset_internal.h"
#include "waymark/base/event.h"

/* Number of bytes of a packet that are copied to the log group. They are enough for the headers. */
#define SNAPLEN 128

/* Maximum number of messages per second, for each kind of message. This is enough to follow a
 * problem, and too few to cause load. If a flow has room for labels, its first message per egress
 * is not limited. All messages about a flow without room for labels are limited. */
#define REPEAT_RATE    1000
#define UNMARKED_RATE  200
#define ELSEWHERE_RATE 200
#define FLOWLESS_RATE  1

/* ICMPv6 types that conntrack does not track (noct_valid_new[] in the kernel's
 * nf_conntrack_proto_icmpv6.c): multicast listeners, router and neighbour discovery. Each type is
 * listed, because some versions of nftables cannot read their own listing of a range. */
#define NEIGHBOUR_TYPES "130, 131, 132, 133, 134, 135, 136, 143"

static const char *const direction_words[] = {"original", "reply"};

static bool is_steering(const struct render *r)
{
	return r->config->mode == MODE_STEER;
}

static void put_log(struct render *r, const char *prefix, const char *direction)
{
	fprintf(r->out, "log prefix \"%s%s\" group %u snaplen %d\n", prefix, direction,
		r->config->nflog_group, SNAPLEN);
}

static void put_limit(struct render *r, unsigned rate)
{
	fprintf(r->out, "limit rate %u/second burst %u packets ", rate, rate);
}

/* --- reports ----------------------------------------------------------------------- */

/* Print rules that except multicast from reports, because it is forwarded by several interfaces on
 * purpose. */
static void put_multicast(struct render *r)
{
	fputs("\t\tip daddr 224.0.0.0/4 return\n"
	      "\t\tip6 daddr ff00::/8 return\n",
	      r->out);
}

static void put_reports(struct render *r)
{
	fputs("\tchain report {\n", r->out);
	for (int d = 0; d < 2; d++) {
		fprintf(r->out, "\t\tct direction %s ", direction_words[d]);
		put_log(r, PREFIX_MISMATCH, direction_words[d]);
	}
	fputs("\t}\n\n\tchain repeated {\n\t\t", r->out);
	put_limit(r, REPEAT_RATE);
	fputs("goto report\n\t}\n\n", r->out);

	fprintf(r->out, "\tchain transit {\n\t\tct label %u return\n\t\tct label set %u\n\t\t",
		render_label(r, LABEL_TRANSIT), render_label(r, LABEL_TRANSIT));
	put_log(r, PREFIX_TRANSIT, direction_words[0]);
	fputs("\t}\n\n", r->out);

	/* A message about an unmarked packet is needed only if the packet's flow has no room for
	 * labels. For any other flow, events show the label and the missing mark. */
	fputs("\tchain unlabelled {\n\t\t", r->out);
	put_limit(r, UNMARKED_RATE);
	put_log(r, PREFIX_UNMARKED, "");
	fputs("\t}\n\n", r->out);
}

/* Log an example of the packets without a flow. Counters count all such packets. */
static void put_flowless(struct render *r)
{
	fputs("\tchain flowless {\n\t\t", r->out);
	put_limit(r, FLOWLESS_RATE);
	put_log(r, PREFIX_FLOWLESS, "");
	fputs("\t}\n\n", r->out);
}

/* --- by no uplink --------------------------------------------------------------------- */

/* Log one message per flow and direction. Flows without room for labels are logged at a limited
 * rate. */
static void put_elsewhere_report(struct render *r, enum direction d)
{
	unsigned label = render_label(r, d == DIR_REPLY ? LABEL_ELSEWHERE_REPLY : LABEL_ELSEWHERE);

	fprintf(r->out,
		"\tchain elsewhere_%s {\n"
		"\t\tct label %u return\n"
		"\t\tct label set %u\n"
		"\t\tct label %u goto log_elsewhere_%s\n\t\t",
		direction_words[d], label, label, label, direction_words[d]);
	put_limit(r, ELSEWHERE_RATE);
	put_log(r, PREFIX_ELSEWHERE, direction_words[d]);
	fprintf(r->out, "\t}\n\n\tchain log_elsewhere_%s {\n\t\t", direction_words[d]);
	put_log(r, PREFIX_ELSEWHERE, direction_words[d]);
	fputs("\t}\n\n", r->out);
}

/* Report a packet that left by no uplink. If the packet goes to an interface in a VRF, it first
 * passes the VRF's own device. Ignore the packet at that device. */
static void put_stray(struct render *r)
{
	fputs("\tchain stray {\n", r->out);
	put_multicast(r);
	fputs("\t\tmeta oifkind \"vrf\" return\n"
	      "\t\tct direction reply goto elsewhere_reply\n"
	      "\t\tgoto elsewhere_original\n\t}\n\n",
	      r->out);
}

/* Handle the first packet of a related flow if it leaves by no uplink. The flow has inherited its
 * master's mark. If the packet came in by an uplink, keep the mark and label the flow "entered".
 * Otherwise the flow uses no uplink: remove the mark. */
static void put_related(struct render *r)
{
	fprintf(r->out,
		"\tchain related {\n"
		"\t\tiifname @uplinks ct label set %u return\n"
		"\t\tct mark set ct mark & 0x%08" PRIx32 "\n\t}\n\n",
		render_label(r, LABEL_ENTERED), ~r->config->mark_mask);
}

/* Report packets of marked flows that leave by no uplink. The mark names the uplink for one
 * direction only: the reply direction if the flow came in by an uplink, otherwise the original
 * direction. Only packets of that direction are checked. */
static void put_elsewhere(struct render *r)
{
	put_elsewhere_report(r, DIR_ORIGINAL);
	put_elsewhere_report(r, DIR_REPLY);
	put_stray(r);
	fprintf(r->out,
		"\tchain elsewhere_answer {\n"
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 return\n"
		"\t\tgoto stray\n\t}\n\n",
		r->config->mark_mask);
	if (is_steering(r))
		put_related(r);
	fprintf(r->out, "\tchain elsewhere {\n\t\tct mark & 0x%08" PRIx32 " == 0x0 return\n",
		r->config->mark_mask);
	if (is_steering(r))
		fputs("\t\tct state related ct status ! confirmed goto related\n", r->out);
	fprintf(r->out, "\t\tct label %u return\n", render_label(r, LABEL_ENTERED));
	if (is_steering(r))
		fprintf(r->out, "\t\tct label %u ct status ! confirmed ct label set %u return\n",
			render_label(r, LABEL_TRANSIT), render_label(r, LABEL_ENTERED));
	fputs("\t\tgoto stray\n\t}\n\n", r->out);
}

/* --- by an uplink --------------------------------------------------------------------- */

/* Count a packet that leaves by an uplink. Packets without a flow have a counter of their own,
 * because no flow's counters include them. Neighbour discovery has another one: it belongs to the
 * link, as ARP does. */
static void put_uncounted(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\t\tct state untracked icmpv6 type { " NEIGHBOUR_TYPES
		" } counter return comment \"" RULESET_COUNT_NEIGHBOURS " 0x%" PRIx32 "\"\n"
		"\t\tct state invalid,untracked counter goto flowless comment "
		"\"" RULESET_COUNT_UNTRACKED " 0x%" PRIx32 "\"\n"
		"\t\tcounter comment \"" RULESET_COUNT_OUT " 0x%" PRIx32 "\"\n",
		mark, mark, mark);
}

static void put_started(struct render *r, uint32_t mark, const char *verdict)
{
	fprintf(r->out,
		"\t\tmeta nfproto ipv4 counter %scomment \"" RULESET_COUNT_STARTED4 " 0x%" PRIx32
		"\"\n"
		"\t\tmeta nfproto ipv6 counter %scomment \"" RULESET_COUNT_STARTED6 " 0x%" PRIx32
		"\"\n",
		verdict, mark, verdict, mark);
}

static void put_mismatch(struct render *r, const struct uplink_config *u, unsigned label)
{
	fprintf(r->out, "\tchain mismatch_0x%" PRIx32 " {\n", u->mark);
	put_multicast(r);
	fprintf(r->out,
		"\t\tct label %u goto repeated\n"
		"\t\tct label set %u\n"
		"\t\tct label %u goto report\n"
		"\t\tgoto repeated\n\t}\n\n",
		label, label, label);
	fprintf(r->out,
		"\tchain unmarked_0x%" PRIx32 " {\n"
		"\t\tct label set %u\n"
		"\t\tct label %u return\n"
		"\t\tgoto unlabelled\n\t}\n\n",
		u->mark, label, label);
}

static void put_mark(struct render *r, const struct uplink_config *u, unsigned label)
{
	fprintf(r->out, "\tchain mark_0x%" PRIx32 " {\n", u->mark);
	put_started(r, u->mark, "");
	fprintf(r->out,
		"\t\tct mark set ct mark & 0x%08" PRIx32 " | 0x%" PRIx32 "\n"
		"\t\tct label set %u\n\t}\n\n",
		~r->config->mark_mask, u->mark, label);
}

static void put_begun(struct render *r, uint32_t mark)
{
	fprintf(r->out, "\tchain begun_0x%" PRIx32 " {\n\t\tct label %u return\n", mark,
		render_label(r, LABEL_ENTERED));
	put_started(r, mark, "");
	fputs("\t}\n\n", r->out);
}

/* A flow that has turned came in by one uplink and is pinned to the uplink that it leaves by. Its
 * replies go to a host on the network of the uplink that it came in by. Label the flow with that
 * uplink, too, so that these replies are not reported. */
static void put_came(struct render *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->n_uplinks; i++)
		fprintf(r->out, "\tchain came_0x%" PRIx32 " {\n\t\tct label set %u\n\t}\n\n",
			c->uplinks[i].mark, render_label(r, LABELS_RESERVED + c->uplinks[i].slot));
	fputs("\tchain came {\n\t\tiifname ", r->out);
	render_name_map(r, "came");
	fputs("\t}\n\n", r->out);
}

static void put_turn(struct render *r, uint32_t mark)
{
	fprintf(r->out,
		"\tchain turn_0x%" PRIx32 " {\n\t\tjump came\n\t\tgoto mark_0x%" PRIx32 "\n\t}\n\n",
		mark, mark);
}

static void put_new_flows(struct render *r, uint32_t mark)
{
	uint32_t mask = r->config->mark_mask;

	fprintf(r->out,
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 ct state new goto mark_0x%" PRIx32 "\n"
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 ct status ! confirmed goto mark_0x%" PRIx32
		"\n"
		"\t\tct label %u ct status ! confirmed goto turn_0x%" PRIx32 "\n",
		mask, mark, mask, mark, render_label(r, LABEL_TRANSIT), mark);
}

static void put_other(struct render *r, uint32_t mark, unsigned label)
{
	uint32_t mask = r->config->mark_mask;
	unsigned entered = render_label(r, LABEL_ENTERED);

	fprintf(r->out,
		"\tchain entered_0x%" PRIx32 " {\n"
		"\t\tct direction original goto transit\n"
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 goto unmarked_0x%" PRIx32 "\n"
		"\t\tgoto mismatch_0x%" PRIx32 "\n\t}\n\n"
		"\tchain other_0x%" PRIx32 " {\n",
		mark, mask, mark, mark, mark);
	put_uncounted(r, mark);
	if (is_steering(r))
		put_new_flows(r, mark);
	fprintf(r->out, "\t\tct label %u goto entered_0x%" PRIx32 "\n", entered, mark);
	if (is_steering(r))
		fprintf(r->out, "\t\tct direction reply ct label %u ct label %u return\n",
			render_label(r, LABEL_TRANSIT), label);
	fprintf(r->out,
		"\t\tct mark & 0x%08" PRIx32 " == 0x0 goto unmarked_0x%" PRIx32 "\n"
		"\t\tgoto mismatch_0x%" PRIx32 "\n\t}\n\n",
		mask, mark, mark);
}

static void put_leave(struct render *r, const struct uplink_config *u)
{
	unsigned label = render_label(r, LABELS_RESERVED + u->slot);
	uint32_t mark = u->mark;

	put_mismatch(r, u, label);
	if (is_steering(r))
		put_mark(r, u, label), put_turn(r, mark);
	else
		put_begun(r, mark);
	put_other(r, mark, label);
	fprintf(r->out, "\tchain leave_0x%" PRIx32 " {\n", mark);
	if (!is_steering(r))
		fprintf(r->out,
			"\t\tct original packets 1 ct direction original jump begun_0x%" PRIx32
			"\n",
			mark);
	fprintf(r->out,
		"\t\tct mark & 0x%08" PRIx32 " == 0x%" PRIx32
		" ct label set %u counter return comment \"" RULESET_COUNT_OUT " 0x%" PRIx32 "\"\n"
		"\t\tgoto other_0x%" PRIx32 "\n\t}\n\n",
		r->config->mark_mask, mark, label, mark, mark);
}

void render_evidence_chains(struct render *r)
{
	const struct config *c = r->config;

	put_reports(r);
	put_flowless(r);
	if (is_steering(r))
		put_came(r);
	for (size_t i = 0; i < c->n_uplinks; i++)
		put_leave(r, &c->uplinks[i]);
	put_elsewhere(r);
}

/* --- the hook ------------------------------------------------------------------------- */

void render_postrouting(struct render *r)
{
	const struct config *c = r->config;

	fputs("\tchain postrouting {\n"
	      "\t\ttype filter hook postrouting priority mangle; policy accept;\n",
	      r->out);
	if (!render_is_few(r)) {
		fputs("\t\toifname ", r->out);
		render_name_map(r, "leave");
	}
	for (size_t i = 0; render_is_few(r) && i < c->n_uplinks; i++) {
		fputs("\t\toifname ", r->out);
		render_ifname(r->out, c->uplinks[i].ifname);
		fprintf(r->out, " goto leave_0x%" PRIx32 "\n", c->uplinks[i].mark);
	}
	fprintf(r->out,
		"\t\tct direction original goto elsewhere\n"
		"\t\tct label %u goto elsewhere_answer\n\t}\n",
		render_label(r, LABEL_ENTERED));
}
