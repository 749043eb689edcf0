/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_marks.c - explains why a flow has its uplink, and each change of the flow's mark. The
 * kernel does not report which rule changed a mark. Therefore this file names all rules of the
 * present ruleset that might have changed the mark.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "waymark/hostcheck/mark_writers.h"
#include "waymark/kernel/nft.h"

struct search {
	struct explanation *e;
	uint32_t changed; /* the bits of mark-mask that a change of the mark set or cleared */
	unsigned n;	  /* number of rules found that might have written them */
};

/* Explain that the uplink was chosen by weight: new flows from inside are balanced over the uplinks
 * of the lowest tier. */
static void weight_say(struct explanation *e)
{
	const struct uplink_config *u = e->uplink;
	uint64_t sum = 0;

	for (size_t i = 0; i < e->config->n_uplinks; i++)
		if (e->config->uplinks[i].tier == u->tier)
			sum += e->config->uplinks[i].weight;
	if (e->config->mode != MODE_STEER || e->config->balance == BALANCE_OFF || !u->weight ||
	    sum == u->weight)
		return;
	narrative_say(&e->story, "uplink",
		      "The balanced default route gives this uplink %" PRIu32 " of %" PRIu64
		      " new flows while all uplinks of tier %" PRIu32 " are up.",
		      u->weight, sum, u->tier);
}

static void why_say(struct explanation *e)
{
	const struct uplink_config *u = e->uplink;

	if (e->ingress) {
		narrative_say(&e->story, "uplink",
			      "The flow entered by uplink %s. Its mark makes the replies leave by "
			      "the same uplink.",
			      e->ingress);
	} else if (u && e->changes.n) {
		narrative_say(&e->story, "uplink",
			      "The mark was changed after the flow was set up:");
	} else if (u) {
		narrative_say(
			&e->story, "uplink",
			"The first packet was routed out of %s. The mark keeps the flow there.",
			u->ifname);
		weight_say(e);
	}
}

static void mark_say(struct explanation *e)
{
	uint32_t mask = e->config->mark_mask;
	const struct uplink_config *u = e->uplink;

	if (u)
		narrative_say(&e->story, "uplink",
			      "%s (interface %s): ct mark 0x%" PRIx32 " under mark-mask 0x%" PRIx32
			      ".",
			      u->name, u->ifname, e->mark, mask);
	else if (e->mark)
		narrative_say(&e->story, "uplink",
			      "None: no uplink has ct mark 0x%" PRIx32
			      " (under mark-mask 0x%" PRIx32 ").",
			      e->mark, mask);
	else
		narrative_say(&e->story, "uplink",
			      "None: the flow has no mark (under mark-mask 0x%" PRIx32 ").", mask);
	why_say(e);
}

static void change_say(struct explanation *e, const struct row_copy_row *row)
{
	uint32_t old = (uint32_t)row_copy_number(row, "old", 0),
		 new = (uint32_t)row_copy_number(row, "new", 0);
	const struct uplink_config *from = config_uplink_by_mark(e->config, old);
	const struct uplink_config *to = config_uplink_by_mark(e->config, new);
	char time[TIMES_STRLEN];

	narrative_say(&e->story, "change",
		      "%s: the mark changed from 0x%" PRIx32 " (%s) to 0x%" PRIx32 " (%s).",
		      narrative_time(row_copy_text(row, "time"), time), old,
		      from  ? from->name
		      : old ? "no uplink"
			    : "none",
		      new,
		      to    ? to->name
		      : new ? "no uplink"
			    : "none");
}

static const char *table_reader(const struct mark_writer *w)
{
	return !strcmp(w->family, "ip6") ? "ip6tables" : "iptables";
}

static void writer_say(void *data, const struct mark_writer *w)
{
	struct search *s = data;

	if (!w->is_xt && (!w->is_ct || !(w->bits & s->changed)))
		return;
	s->n++;
	if (w->is_xt) {
		narrative_say(
			&s->e->story, "writer",
			"An iptables rule in table %s %s, chain %s may have written the mark.",
			w->family, w->table, w->chain);
		narrative_show(&s->e->story, "%s -t %s -S %s", table_reader(w), w->table, w->chain);
		return;
	}
	if (w->has_value)
		narrative_say(&s->e->story, "writer",
			      "A rule in table %s %s, chain %s sets the ct mark to 0x%" PRIx32
			      " and may have written this mark.",
			      w->family, w->table, w->chain, w->value & s->e->config->mark_mask);
	else
		narrative_say(&s->e->story, "writer",
			      "A rule in table %s %s, chain %s sets these bits of the ct mark and "
			      "may have written this mark.",
			      w->family, w->table, w->chain);
	narrative_show(&s->e->story, "nft -a list chain %s %s %s # handle %" PRId64, w->family,
		       w->table, w->chain, w->handle);
}

/* If the first change was from no mark to an uplink's mark, say that Waymark may have made it:
 * Waymark marks existing flows when steering starts. Return whether this was said. */
static bool adoption_say(struct explanation *e)
{
	const struct row_copy_row *first = e->changes.rows;

	if (e->config->mode != MODE_STEER || !e->changes.n || row_copy_number(first, "old", -1) ||
	    !config_uplink_by_mark(e->config, (uint32_t)row_copy_number(first, "new", 0)))
		return false;
	narrative_say(&e->story, "writer",
		      "Waymark may have written the first mark: when steering starts, Waymark "
		      "marks existing flows whose address belongs to an uplink.");
	return true;
}

static void writers_say(struct explanation *e, uint32_t changed)
{
	bool is_explained = adoption_say(e);
	struct search search = {.e = e, .changed = changed & e->config->mark_mask};
	struct nft *nft = nft_open();
	char *json = nft ? nft_list_ruleset_json(nft) : NULL;

	if (!json || mark_writers_each(json, writer_say, &search)) {
		narrative_say(&e->story, "writer",
			      "The rule that wrote the mark is unknown: the ruleset cannot be read "
			      "(run this as root).");
		narrative_show(&e->story, "nft list ruleset");
	} else if (!search.n && !is_explained) {
		narrative_say(
			&e->story, "writer",
			"No rule of another program writes these bits now. The mark was written by "
			"a rule that no longer exists, or by a program (conntrack -U).");
		narrative_show(&e->story, "nft list ruleset");
	}
	free(json);
	nft_close(nft);
}

void explain_marks(struct explanation *e)
{
	uint32_t changed = 0;

	mark_say(e);
	for (size_t i = 0; i < e->changes.n; i++) {
		const struct row_copy_row *row = &e->changes.rows[i];

		change_say(e, row);
		changed |=
			(uint32_t)(row_copy_number(row, "old", 0) ^ row_copy_number(row, "new", 0));
	}
	/* The history has no record of a change that came before the flow's first event. Such a
	 * change can concern any bit of mark-mask. */
	if (!changed && e->reason == REASON_MARK_CHANGED)
		changed = e->config->mark_mask;
	if (changed)
		writers_say(e, changed);
}
