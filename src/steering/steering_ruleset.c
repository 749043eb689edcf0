/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_ruleset.c - keeps table inet waymark loaded as plan/ruleset.h renders it.
 *
 * nft lists rules in another form than it reads them (masks, numbers), so the table's listing
 * cannot be compared with the rendered text. The state therefore has two hashes: that of the text
 * that was loaded, and that of the listing made immediately after the load. If the current text and
 * the current listing still have these hashes, the table is not loaded again and keeps its
 * counters. Must not know the rules.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"
#include "waymark/base/clock.h"
#include "waymark/plan/ruleset.h"
#include "waymark/plan/ruleset_diff.h"

static const char table_name[] = "table " RULESET_FAMILY " " RULESET_TABLE;

static bool listing_is_as_loaded(const struct steering *s, const char *listing)
{
	return listing && s->state->listing_hash && text_hash(listing) == s->state->listing_hash;
}

bool ruleset_is_loaded(struct steering *s)
{
	char *listing = nft_list_table(s->nft, RULESET_FAMILY, RULESET_TABLE);
	bool is_loaded = listing_is_as_loaded(s, listing);

	free(listing);
	return is_loaded;
}

bool steering_has_ruleset(struct steering *s)
{
	return ruleset_is_loaded(s);
}

/* Keep the listing that nft made immediately after the load. Later listings are compared with it to
 * report what another process changed. */
static void listing_keep(struct steering *s, const char *listing)
{
	free(s->listing);
	s->listing = listing ? strdup(listing) : NULL;
}

/* Return whether the table must be loaded because another process changed or deleted it. If the
 * configuration requires a new text as well, only a deleted table counts. */
static bool ruleset_is_undone(const struct steering *s, const char *text, const char *listing)
{
	return s->former && s->state->text_hash &&
	       (!listing || s->state->text_hash == text_hash(text));
}

static void ruleset_describe(struct steering_change *c, const struct steering *s, const char *text,
			     const char *listing)
{
	*c = (struct steering_change){
		.thing = STEERING_RULESET,
		.is_missing = true,
		.is_undone = ruleset_is_undone(s, text, listing),
		.is_blinding = !listing || !s->listing,
	};
	snprintf(c->what, sizeof(c->what), "%s", table_name);
	if (!listing)
		snprintf(c->detail, sizeof(c->detail), "gone");
	else if (s->listing)
		c->is_blinding = ruleset_compare(s->listing, listing, c->detail, sizeof(c->detail));
}

/* Record the time from which the rules label flows. Flows that began earlier might have no label.
 * was_there: the rules were loaded before and their labels had the same meaning, so the recorded
 * time stays. */
static void labels_note(struct steering *s, bool was_there)
{
	if (!was_there || !s->state->labels_since_ms)
		s->state->labels_since_ms = clock_now_ms();
}

static void ruleset_note(struct steering *s, const char *text)
{
	char *listing = nft_list_table(s->nft, RULESET_FAMILY, RULESET_TABLE);

	s->state->text_hash = text_hash(text);
	s->state->listing_hash = listing ? text_hash(listing) : 0;
	listing_keep(s, listing);
	free(listing);
}

static const char *todo_about(int err)
{
	return err == -EPERM ? "another program may own this table (flags owner)"
			     : "see 'waymark rules' and 'waymark check'";
}

static void load_tell(const struct steering *s, bool is_done)
{
	if (s->load)
		s->load(s->load_data, is_done);
}

/* Drop the undo record of a failed load, but only if the table is unchanged. The child that loads
 * the table might have loaded it and died before it reported success. */
static void undo_drop_if_same(struct run *run, const char *former)
{
	char *now = nft_list_table(run->s->nft, RULESET_FAMILY, RULESET_TABLE);
	bool is_absent = !now && errno == ENOENT;

	if ((!former && is_absent) || (former && now && !strcmp(now, former)))
		undo_drop(run);
	free(now);
}

static void ruleset_replace(struct run *run, const char *text, const char *former)
{
	struct steering *s = run->s;
	struct steering_change change;
	int err;

	ruleset_describe(&change, s, text, former);
	if (!run_may(run, &change))
		return;
	err = undo_ruleset(run, former);
	if (err) {
		run_failed(run, err, NULL, "cannot install %s", table_name);
		return;
	}
	load_tell(s, false);
	err = protection_load(s, text, former);
	if (err) {
		run_failed(run, err, todo_about(err), "cannot install %s: %s", table_name,
			   nft_error(s->nft));
		undo_drop_if_same(run, former);
		return;
	}
	load_tell(s, true);
	labels_note(s, former && steering_labels_stale_from(s) == LABELS_TOTAL);
	/* Save the hashes to disk. If this process ends before they are saved, the hash on disk
	 * does not match the table, and the next process loads the ruleset again. */
	ruleset_note(s, text);
	err = run_keep(run);
	if (err)
		run_failed(run, err, NULL, "cannot save the state of %s", table_name);
	else
		run_done(run, &change);
}

/* Set *is_due to whether the table must be loaded again to become protected or unprotected. If this
 * process can adopt the table instead, it does. Return the table's listing, which is read again
 * after an adoption, because the flags in it have changed. */
static char *listing_adopted(struct steering *s, bool *is_due)
{
	char *listing = nft_list_table(s->nft, RULESET_FAMILY, RULESET_TABLE);
	bool was_protected = steering_is_protected(s);

	*is_due = protection_is_due(s, listing != NULL);
	if (was_protected || !steering_is_protected(s))
		return listing;
	free(listing);
	return nft_list_table(s->nft, RULESET_FAMILY, RULESET_TABLE);
}

void ruleset_load(struct run *run)
{
	struct steering *s = run->s;
	char *text, *former;
	bool is_due;

	if (!run_goes_on(run))
		return;
	text = ruleset_render(s->config, s->is_minimal);
	if (!text) {
		run_failed(run, -errno, NULL, "%s", table_name);
		return;
	}
	former = listing_adopted(s, &is_due);
	if (is_due || s->state->text_hash != text_hash(text) || !listing_is_as_loaded(s, former))
		ruleset_replace(run, text, former);
	else if (!s->listing)
		listing_keep(s, former);
	if (!run->error && !s->state->label_slots)
		steering_labels_keep(s);
	free(former);
	free(text);
}

void ruleset_remove(struct run *run)
{
	struct steering *s = run->s;
	char *listing = nft_list_table(s->nft, RULESET_FAMILY, RULESET_TABLE);
	int err = listing ? nft_run(s->nft, "delete table " RULESET_FAMILY " " RULESET_TABLE)
			  : -errno;

	free(listing);
	if (!err)
		nft_disown(s->nft);
	if (!err)
		run_changed(run, false, "%s", table_name);
	else if (err != -ENOENT)
		run_failed(run, err, NULL, "cannot delete %s: %s", table_name, nft_error(s->nft));
	s->state->text_hash = 0;
	s->state->listing_hash = 0;
	s->state->labels_since_ms = 0;
	s->state->label_slots = 0;
}

/* Load the table again without its owner flags, before this process gives up the table. Otherwise
 * the flags would stay without an owner, and nft cannot parse its own listing of such a table. */
int steering_unprotect(struct steering *s)
{
	char *text = ruleset_render(s->config, s->is_minimal);
	int err = text ? protection_release(s, text) : -ENOMEM;

	if (!err) {
		ruleset_note(s, text);
		err = steering_save(s);
	}
	free(text);
	return err == -EALREADY ? 0 : err;
}
