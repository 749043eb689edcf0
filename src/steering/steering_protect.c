/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_protect.c - makes this process the owner of table inet waymark (protect-table), so that
 * other processes can neither change nor flush it.
 *
 * A table that was created without an owner cannot be adopted. It is deleted and created again,
 * while a stand-in table with the same rules is in force. Must not know the rules, nor how the
 * kernel records an owner.
 */
#include <errno.h>
#include <stdlib.h>

#include "steering/steering_internal.h"
#include "waymark/plan/ruleset.h"
#include "waymark/plan/ruleset_flat.h"

#define DELETE_TABLE	"delete table " RULESET_FAMILY " " RULESET_TABLE
#define DELETE_STAND_IN "delete table " RULESET_FAMILY " " RULESET_STAND_IN

void steering_set_protection(struct steering *s, bool is_wanted)
{
	s->can_protect = is_wanted && nft_can_own(s->nft);
}

bool steering_is_protected(const struct steering *s)
{
	return nft_is_owner(s->nft);
}

bool steering_can_protect(const struct steering *s)
{
	return s->can_protect;
}

bool protection_is_due(struct steering *s, bool is_there)
{
	if (!s->can_protect)
		return nft_is_owner(s->nft);
	/* No load is due if nft_own() succeeds: the table's former owner has ended, and nft_own()
	 * has adopted the table. */
	return !nft_is_owner(s->nft) && (!is_there || nft_own(s->nft, RULESET_TABLE));
}

/* Load `text` into the table, which exists and which this process owns. `former` is the table's
 * listing, or NULL if the table is empty. */
static int load_own(struct steering *s, const char *text, const char *former)
{
	char *flat = ruleset_flatten(text, former);
	int err = flat ? nft_run(s->nft, flat) : -ENOMEM;

	free(flat);
	return err;
}

static int load_new(struct steering *s, const char *text)
{
	int err = nft_own(s->nft, RULESET_TABLE);

	if (!err)
		err = load_own(s, text, NULL);
	return err;
}

/* Load the table without an owner, after an attempt to load it with an owner has failed. */
static int load_again(struct steering *s, const char *text)
{
	nft_run(s->nft, DELETE_TABLE);
	nft_disown(s->nft);
	return nft_run(s->nft, text);
}

static int load_beside(struct steering *s, const char *text)
{
	char *other = ruleset_stand_in(text);
	int err = other ? nft_run(s->nft, other) : -ENOMEM;

	free(other);
	if (err)
		return err;
	err = nft_run(s->nft, DELETE_TABLE);
	if (!err || err == -ENOENT)
		err = load_new(s, text);
	if (err)
		err = load_again(s, text);
	nft_run(s->nft, DELETE_STAND_IN);
	return err;
}

static int load_unprotected(struct steering *s, const char *text, bool is_there)
{
	int err = nft_run(s->nft, is_there ? ruleset_without_add(text) : text);

	if (is_there && err == -ENOENT)
		err = nft_run(s->nft, text);
	if (!err)
		nft_disown(s->nft);
	return err;
}

int protection_load(struct steering *s, const char *text, const char *former)
{
	if (!s->can_protect)
		return load_unprotected(s, text, former != NULL);
	if (former && nft_is_owner(s->nft))
		return load_own(s, text, former);
	/* Adopt the existing table. -EPERM: another process owns it. */
	if (former && nft_own(s->nft, RULESET_TABLE) == -EPERM)
		return -EPERM;
	if (former && !nft_is_owner(s->nft))
		return load_beside(s, text);
	return former ? load_own(s, text, former) : load_new(s, text);
}

int protection_release(struct steering *s, const char *text)
{
	return nft_is_owner(s->nft) ? load_unprotected(s, text, true) : -EALREADY;
}
