/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_marks.c - a flow's mark and what became of it. Which rule changed it no
 * event says: those that could have, by the ruleset as it is now, are named.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "waymark/hostcheck/mark_writers.h"
#include "waymark/kernel/nft.h"

struct search {
	struct explanation *e;
	uint32_t changed; /* bits of the mask that any of the changes touched */
	unsigned n;
};

static void mark_say(struct explanation *e)
{
	uint32_t mask = e->config->mark_mask;
	const struct uplink_config *u = e->uplink;

	if (u)
		narrative_say(&e->story, "mark",
			      "Its ct mark is 0x%" PRIx32 " (under mark-mask 0x%" PRIx32
			      "): uplink %s, interface %s.",
			      e->mark, mask, u->name, u->ifname);
	else if (e->mark)
		narrative_say(&e->story, "mark",
			      "Its ct mark is 0x%" PRIx32 " (under mark-mask 0x%" PRIx32
			      "), which names no uplink.",
			      e->mark, mask);
	else
		narrative_say(&e->story, "mark", "It has no mark (under mark-mask 0x%" PRIx32 ").",
			      mask);
	if (e->ingress)
		narrative_say(
			&e->story, "mark",
			"It came in by uplink %s: the mark stands for its replies, which are to "
			"leave by the same line.",
			e->ingress);
}

static void change_say(struct explanation *e, const struct row_copy_row *row)
{
	uint32_t old = (uint32_t)row_copy_number(row, "old", 0),
		 new = (uint32_t)row_copy_number(row, "new", 0);
	const struct uplink_config *from = config_uplink_by_mark(e->config, old);
	const struct uplink_config *to = config_uplink_by_mark(e->config, new);

	narrative_say(&e->story, "change",
		      "%s: its mark changed from 0x%" PRIx32 " (%s) to 0x%" PRIx32 " (%s).",
		      row_copy_text(row, "time"), old,
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
		narrative_say(&s->e->story, "writer",
			      "An iptables rule of table %s %s, chain %s may have written it.",
			      w->family, w->table, w->chain);
		narrative_show(&s->e->story, "%s -t %s -S %s", table_reader(w), w->table, w->chain);
		return;
	}
	if (w->has_value)
		narrative_say(&s->e->story, "writer",
			      "A rule of table %s %s, chain %s sets the ct mark to 0x%" PRIx32
			      ": it may have written it.",
			      w->family, w->table, w->chain, w->value & s->e->config->mark_mask);
	else
		narrative_say(&s->e->story, "writer",
			      "A rule of table %s %s, chain %s sets these bits of the ct mark: it "
			      "may have "
			      "written it.",
			      w->family, w->table, w->chain);
	narrative_show(&s->e->story, "nft -a list chain %s %s %s # handle %" PRId64, w->family,
		       w->table, w->chain, w->handle);
}

/* From none to an uplink's, which is what adopting a flow looks like: it is no event
 * of its own that the history would know it by. */
static bool adoption_say(struct explanation *e)
{
	const struct row_copy_row *first = e->changes.rows;

	if (e->config->mode != MODE_STEER || !e->changes.n || row_copy_number(first, "old", -1) ||
	    !config_uplink_by_mark(e->config, (uint32_t)row_copy_number(first, "new", 0)))
		return false;
	narrative_say(&e->story, "writer",
		      "Waymark itself marks flows that are there as steering begins, where their "
		      "addresses say whose they are: it may have written the first.");
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
			      "Who wrote it cannot be looked for: the ruleset cannot be "
			      "read (it needs CAP_NET_ADMIN).");
		narrative_show(&e->story, "nft list ruleset");
	} else if (!search.n && !is_explained) {
		narrative_say(
			&e->story, "writer",
			"No rule of others writes these bits now: it was one that is gone, or a "
			"program (conntrack -U).");
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
	/* A mark that was changed before its flow was first told of shows no change. */
	if (!changed && e->reason == REASON_MARK_CHANGED)
		changed = e->config->mark_mask;
	if (changed)
		writers_say(e, changed);
}
