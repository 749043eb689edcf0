/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.c - sets defaults, assigns slots and looks up uplinks in a struct config.
 *
 * Pure: must know neither the syntax of the file nor the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/config_slots.h"
#include "config/values.h"
#include "waymark/base/shell.h"
#include "waymark/config/config.h"

#define DAY_S (24 * 3600)

/* Set each field to the default of its key. `fields` is a struct uplink_config if `is_uplink` is
 * set, otherwise a struct config. */
static int set_defaults(void *fields, bool is_uplink)
{
	for (const struct config_key *key = config_keys; key->name; key++) {
		struct complaint why;
		int err = 0;

		if (key->initial && config_section_is_of_uplink(key->section) == is_uplink)
			err = key->read(key, key->initial, (char *)fields + key->offset, &why);
		if (err < 0)
			return err;
	}
	return 0;
}

static void list_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

/* Free the strings and lists that `fields` owns: a struct uplink_config if `is_uplink` is set,
 * otherwise a struct config. */
static void fields_free(void *fields, bool is_uplink)
{
	for (const struct config_key *key = config_keys; key->name; key++) {
		void *field = (char *)fields + key->offset;

		if (config_section_is_of_uplink(key->section) != is_uplink)
			continue;
		if (key->is_text)
			free(*(char **)field);
		else if (key->is_list)
			list_free(*(char ***)field);
	}
}

struct uplink_config *config_uplink_add(struct config *c)
{
	struct uplink_config *uplinks = realloc(c->uplinks, (c->n_uplinks + 1) * sizeof(*uplinks));

	if (!uplinks)
		return NULL;
	c->uplinks = uplinks;
	memset(&uplinks[c->n_uplinks], 0, sizeof(*uplinks));
	return set_defaults(&uplinks[c->n_uplinks++], true) < 0 ? NULL : &uplinks[c->n_uplinks - 1];
}

void config_uplink_clear(struct uplink_config *u)
{
	fields_free(u, true);
}

struct config *config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return NULL;
	err = set_defaults(c, false);
	if (err < 0) {
		config_free(c);
		errno = -err;
		return NULL;
	}
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	fields_free(c, false);
	for (size_t i = 0; c->uplinks && i < c->n_uplinks; i++)
		config_uplink_clear(&c->uplinks[i]);
	free(c->uplinks);
	free(c->path);
	free(c);
}

char *config_command(const struct config *c, char *buf, size_t size, const char *words)
{
	char file[CONFIG_COMMAND_SIZE];

	if (!c->path || !strcmp(c->path, CONFIG_PATH_DEFAULT))
		snprintf(buf, size, "waymark %s", words);
	else
		snprintf(buf, size, "waymark -c %s %s", shell_word(file, sizeof(file), c->path),
			 words);
	return buf;
}

void config_clear_alert(struct alert_config *c)
{
	struct config owner = {.alert = *c};

	fields_free(&owner, false);
	*c = (struct alert_config){0};
}

/* Return the bits of value at the positions that are set in mask, packed into the low bits. */
static uint32_t bits_compress(uint32_t value, uint32_t mask)
{
	uint32_t result = 0;
	unsigned out = 0;

	for (; mask; mask &= mask - 1, out++)
		if (value & mask & -mask)
			result |= 1U << out;
	return result;
}

/* Return the index of the uplink with the lowest mark >= `after`; n_uplinks: no uplink has such a
 * mark. */
static size_t uplink_next_by_mark(const struct config *c, uint64_t after)
{
	size_t best = c->n_uplinks;

	for (size_t i = 0; i < c->n_uplinks; i++) {
		if (c->uplinks[i].mark < after)
			continue;
		if (best == c->n_uplinks || c->uplinks[i].mark < c->uplinks[best].mark)
			best = i;
	}
	return best;
}

void config_slots(const struct config *c, uint8_t slots[UPLINKS_MAX])
{
	uint64_t used = 0, after = 0;

	for (size_t n = 0; n < c->n_uplinks; n++) {
		size_t i = uplink_next_by_mark(c, after);
		unsigned slot = bits_compress(c->uplinks[i].mark, c->mark_mask) % UPLINKS_MAX;

		while (used >> slot & 1)
			slot = (slot + 1) % UPLINKS_MAX;
		used |= 1ULL << slot;
		slots[i] = (uint8_t)slot;
		after = (uint64_t)c->uplinks[i].mark + 1;
	}
}

void config_assign_slots(struct config *c)
{
	uint8_t slots[UPLINKS_MAX];

	config_slots(c, slots);
	for (size_t i = 0; i < c->n_uplinks; i++)
		c->uplinks[i].slot = slots[i];
}

/* Return the first slot, from `wanted` on (cyclic), that is in neither bitmap. `former` has the
 * slots of the previous configuration: flows might still have labels of these slots. If no other
 * slot is left, return the first one that is not in `taken`. */
static uint8_t slot_choose(unsigned wanted, uint64_t taken, uint64_t former)
{
	for (unsigned i = 0; i < UPLINKS_MAX; i++) {
		unsigned slot = (wanted + i) % UPLINKS_MAX;

		if (!((taken | former) >> slot & 1))
			return (uint8_t)slot;
	}
	while (taken >> wanted & 1)
		wanted = (wanted + 1) % UPLINKS_MAX;
	return (uint8_t)wanted;
}

void config_keep_slots(struct config *c, const struct config *former)
{
	uint64_t taken = 0, were = 0;

	for (size_t i = 0; i < former->n_uplinks; i++)
		were |= 1ULL << former->uplinks[i].slot;
	for (size_t i = 0; i < c->n_uplinks; i++) {
		const struct uplink_config *was = config_uplink_by_mark(former, c->uplinks[i].mark);

		if (!was)
			continue;
		c->uplinks[i].slot = was->slot;
		taken |= 1ULL << was->slot;
	}
	for (size_t i = 0; i < c->n_uplinks; i++) {
		struct uplink_config *u = &c->uplinks[i];

		if (config_uplink_by_mark(former, u->mark))
			continue;
		u->slot = slot_choose(u->slot, taken, were);
		taken |= 1ULL << u->slot;
	}
}

const struct uplink_config *config_uplink_by_mark(const struct config *c, uint32_t mark)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].mark == mark)
			return &c->uplinks[i];
	return NULL;
}

const struct uplink_config *config_uplink_by_slot(const struct config *c, unsigned slot)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].slot == slot)
			return &c->uplinks[i];
	return NULL;
}

const struct uplink_config *config_uplink_by_name(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (strcmp(c->uplinks[i].name, name) == 0)
			return &c->uplinks[i];
	return NULL;
}

const struct uplink_config *config_uplink_by_ifname(const struct config *c, const char *ifname)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (strcmp(c->uplinks[i].ifname, ifname) == 0)
			return &c->uplinks[i];
	return NULL;
}

const char *config_anonymize_is_idle(const struct config *c)
{
	if (!c->anonymize.is_on)
		return NULL;
	if (c->anonymize.ipv4_bits == 32 && c->anonymize.ipv6_bits == 128)
		return "its prefix lengths keep whole addresses";
	if (c->retention_s && c->retention_s <= DAY_S)
		return "retention deletes flows before they are a day old";
	return NULL;
}

bool config_is_retention_short(const struct config *c)
{
	return c->retention_s && c->retention_s < DAY_S;
}
