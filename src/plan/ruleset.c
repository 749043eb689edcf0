/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.c - makes the nftables text of table inet waymark.
 *
 * Must not know who loads it. The rules do the following, in the order in which a packet meets
 * them:
 *
 *   prerouting   In mode steer, a packet that arrives from an uplink gets no packet mark,
 *                unless it is a reply that must leave by another uplink, or its flow has
 *                turned (ruleset_marks.c). The first packet of a flow marks the flow for the
 *                uplink that it came in by, and labels the flow "entered" or, if the flow may
 *                turn, "transit". A packet that arrives from inside gets the mark of its flow,
 *                and loses a mark under mark-mask that its flow does not have. In mode audit,
 *                the first packet from an uplink only labels its flow "entered".
 *   output       In mode steer, a packet of this host gets the mark of its flow, unless its
 *                socket has a mark under mark-mask.
 *   postrouting  If a packet leaves by the uplink that its flow's mark names, the flow is
 *                labelled with this uplink. A new flow without a mark is marked and labelled
 *                (only in mode steer). Any other packet that leaves by an uplink is evidence:
 *                its flow is labelled, and the packet is sent to the log group, before source
 *                NAT can drop it. A packet that leaves by no uplink is evidence, too, if its
 *                flow's mark names the uplink for the packet's direction.
 *
 * Each packet that leaves by an uplink is counted once. Only packets of the kinds in enum
 * stray_kind (event.h) reach user space. If there are only a few uplinks, they are compared one by
 * one, which costs less than a map look-up. Otherwise a map is used. A look-up in a map of sixty
 * uplinks costs the same as in a map of five.
 *
 * Every listing of the table can be loaded again, even if an interface is missing; otherwise a
 * saved ruleset would be refused as a whole. Therefore interfaces are matched by name, because the
 * listing of a match by index can only be loaded while the interface exists. Verdict maps are
 * anonymous, because a JSON listing has named maps before the chains that they use. Other programs
 * can own other bits of the ct mark and the packet mark, so the rules keep these bits. Each uplink
 * has its own rules, which change a mark with constants (and, or), because nftables before 1.1.2
 * cannot combine two marks under a mask.
 */
#include "waymark/plan/ruleset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plan/ruleset_internal.h"

static void put_name_set(struct render *r)
{
	const struct config *c = r->config;

	fputs("\tset uplinks {\n\t\ttype ifname\n\t\telements = {", r->out);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		fprintf(r->out, "%s ", i ? "," : "");
		render_ifname(r->out, c->uplinks[i].ifname);
	}
	fputs(" }\n\t}\n\n", r->out);
}

/* --- the table ----------------------------------------------------------------------- */

static void put_table(struct render *r)
{
	fprintf(r->out, "table %s %s {\n", RULESET_FAMILY, RULESET_TABLE);
	put_name_set(r);
	if (r->config->mode == MODE_STEER)
		render_mark_chains(r);
	else
		render_audit_chains(r);
	render_evidence_chains(r);
	if (r->config->mode == MODE_STEER) {
		render_prerouting(r);
		render_output(r);
	} else {
		render_audit_hooks(r);
	}
	render_postrouting(r);
	fputs("}\n", r->out);
}

char *ruleset_render(const struct config *c, bool is_minimal_events)
{
	char *text = NULL;
	size_t size = 0;
	struct render r = {.config = c, .is_minimal = is_minimal_events};

	r.out = open_memstream(&text, &size);
	if (!r.out)
		return NULL;
	fprintf(r.out, "add table %s %s\ndelete table %s %s\n", RULESET_FAMILY, RULESET_TABLE,
		RULESET_FAMILY, RULESET_TABLE);
	put_table(&r);
	if (fclose(r.out)) {
		free(text);
		errno = ENOMEM;
		return NULL;
	}
	return text;
}
