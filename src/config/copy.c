/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.c - copies a configuration, either to the heap or into memory that two processes
 * share: one process reads and validates the file, the other takes the result.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_keys.h"
#include "waymark/config/config.h"

#define ALIGNMENT 16

/* The memory for copies: the next free byte and the number of free bytes. If `at` is NULL, copies
 * are allocated on the heap. */
struct place {
	char *at;
	size_t left;
};

static void *place_take(struct place *p, size_t bytes)
{
	size_t whole = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	void *taken = p->at;

	if (!p->at)
		return malloc(bytes ? bytes : 1);
	if (whole > p->left)
		return NULL;
	p->at += whole;
	p->left -= whole;
	return taken;
}

static int text_copy(struct place *p, char **to, const char *from)
{
	size_t bytes = from ? strlen(from) + 1 : 0;

	if (!from)
		return 0;
	*to = place_take(p, bytes);
	if (!*to)
		return -ENOMEM;
	memcpy(*to, from, bytes);
	return 0;
}

static int list_copy(struct place *p, char ***to, char *const *from)
{
	size_t n = 0;
	int err = 0;

	if (!from)
		return 0;
	while (from[n])
		n++;
	*to = place_take(p, (n + 1) * sizeof(**to));
	if (!*to)
		return -ENOMEM;
	memset(*to, 0, (n + 1) * sizeof(**to));
	for (size_t i = 0; !err && i < n; i++)
		err = text_copy(p, &(*to)[i], from[i]);
	return err;
}

static bool is_owned(const struct config_key *key, bool is_uplink)
{
	return (key->is_text || key->is_list) &&
	       config_section_is_of_uplink(key->section) == is_uplink;
}

/* Set all owned fields to NULL before copying, so that an incomplete copy can be freed. */
static void fields_disown(void *to, bool is_uplink)
{
	for (const struct config_key *key = config_keys; key->name; key++)
		if (is_owned(key, is_uplink))
			memset((char *)to + key->offset, 0, sizeof(void *));
}

static int fields_copy(struct place *p, void *to, const void *from, bool is_uplink)
{
	int err = 0;

	for (const struct config_key *key = config_keys; !err && key->name; key++) {
		const void *source = (const char *)from + key->offset;
		void *field = (char *)to + key->offset;

		if (!is_owned(key, is_uplink))
			continue;
		err = key->is_text ? text_copy(p, field, *(char *const *)source)
				   : list_copy(p, field, *(char *const *const *)source);
	}
	return err;
}

static int uplinks_copy(struct place *p, struct config *to, const struct config *from)
{
	int err = 0;

	to->uplinks = place_take(p, from->n_uplinks * sizeof(*to->uplinks));
	if (!to->uplinks)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_uplinks; i++) {
		to->uplinks[i] = from->uplinks[i];
		fields_disown(&to->uplinks[i], true);
	}
	to->n_uplinks = from->n_uplinks;
	for (size_t i = 0; !err && i < from->n_uplinks; i++)
		err = fields_copy(p, &to->uplinks[i], &from->uplinks[i], true);
	return err;
}

static int config_fill(struct place *p, struct config *to, const struct config *from)
{
	int err;

	*to = *from;
	fields_disown(to, false);
	to->uplinks = NULL;
	to->n_uplinks = 0;
	to->path = NULL;
	err = fields_copy(p, to, from, false);
	if (!err)
		err = text_copy(p, &to->path, from->path);
	return err ? err : uplinks_copy(p, to, from);
}

struct config *config_clone(const struct config *from)
{
	struct place heap = {0};
	struct config *to = malloc(sizeof(*to));
	int err = to ? config_fill(&heap, to, from) : -ENOMEM;

	if (!err)
		return to;
	config_free(to);
	errno = -err;
	return NULL;
}

int config_clone_to(void *memory, size_t bytes, const struct config *from)
{
	struct place place = {.at = memory, .left = bytes};
	struct config *to = place_take(&place, sizeof(*to));

	return to ? config_fill(&place, to, from) : -ENOMEM;
}

int config_clone_alert(struct alert_config *to, const struct alert_config *from)
{
	struct config source = {.alert = *from};
	struct config *clone = config_clone(&source);

	*to = clone ? clone->alert : (struct alert_config){0};
	if (!clone)
		return -errno;
	clone->alert = (struct alert_config){0};
	config_free(clone);
	return 0;
}
