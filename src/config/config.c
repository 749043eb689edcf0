/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.c - the configuration as a value: defaults, slots, look-ups.
 *
 * Pure: it knows neither the file's syntax (src/config/) nor the kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_slots.h"
#include "waymark/config/config.h"

#define DAY_S (24 * 3600)

static void config_set_defaults(struct config *c)
{
	c->mode = MODE_STEER;
	c->mark_mask = 0xff;
	c->label_base = 64;
	c->nflog_group = 77;
	c->rule_priority = 4000;
	c->local_routes = LOCAL_SUPPRESS;
	c->log_level = CONFIG_LOG_INFO;
	c->balance = BALANCE_TABLE;
	c->balance_table = 252;
	c->sysctl = true;
	c->repair = true;
	c->events = EVENTS_AUTO;
	c->event_buffer_bytes = 64 << 20;
	c->max_flows = 4000000;
	c->retention_s = 90 * DAY_S;
	c->max_size_bytes = 2ULL << 30;
	c->on_stop = ON_STOP_KEEP;
	c->on_uplink_down = ON_DOWN_HOLD;
	c->on_mismatch = ON_MISMATCH_RECORD;
	c->alert.syslog = true;
	c->alert.webhook_timeout_s = 5;
	c->alert.min_interval_s = 60;
	c->export.timeout_s = 60;
	c->export.file_size_bytes = 64 << 20;
}

void config_uplink_set_defaults(struct uplink_config *u)
{
	*u = (struct uplink_config){.weight = 1, .tier = 1, .quota_day = 1};
	u->health = (struct health_config){.interval_ms = 5000, .down_after = 3, .up_after = 5};
}

static int config_set_text_defaults(struct config *c)
{
	const struct {
		char **to;
		const char *text;
	} texts[] = {
		{&c->user, "waymark"},
		{&c->group, "waymark"},
		{&c->database, "/var/lib/waymark/flows.db"},
		{&c->control_socket, "/run/waymark/control.sock"},
		{&c->alert.user, "nobody"},
		{&c->alert.webhook_format, "json"},
		{&c->export.state_file, "/var/lib/waymark-export/state"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i].to = strdup(texts[i].text);
		if (!*texts[i].to)
			return -ENOMEM;
	}
	return 0;
}

struct config *config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	config_set_defaults(c);
	if (config_set_text_defaults(c) < 0) {
		config_free(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

static void list_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

static void export_config_free(struct export_config *e)
{
	free(e->router);
	list_free(e->clickhouse);
	free(e->clickhouse_credentials);
	free(e->clickhouse_ca);
	free(e->clickhouse_certificate);
	free(e->clickhouse_key);
	free(e->ipfix);
	free(e->file);
	free(e->state_file);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->path);
	free(c->user);
	free(c->group);
	free(c->database);
	free(c->control_socket);
	free(c->alert.exec);
	free(c->alert.user);
	free(c->alert.json);
	free(c->alert.webhook);
	list_free(c->alert.webhook_headers);
	free(c->alert.webhook_format);
	free(c->prometheus.textfile);
	export_config_free(&c->export);
	for (size_t i = 0; c->uplinks && i < c->n_uplinks; i++)
		free(c->uplinks[i].health.exec);
	free(c->uplinks);
	free(c);
}

/* The bits of value under mask, pushed together towards bit 0. */
static uint32_t bits_compress(uint32_t value, uint32_t mask)
{
	uint32_t result = 0;
	unsigned out = 0;

	for (; mask; mask &= mask - 1, out++)
		if (value & mask & -mask)
			result |= 1U << out;
	return result;
}

/* The uplink with the lowest mark that is not before after, or n_uplinks. */
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

/* The first free one from the wanted one on; if there is none, the first that is
 * not taken. */
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

bool config_is_retention_short(const struct config *c)
{
	return c->retention_s && c->retention_s < DAY_S;
}
