/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import_pbr.c - converts uplinks and marks from pbr's file (/etc/config/pbr).
 *
 * pbr gives its first mark to the first supported interface, in the order of the network file. The
 * mark of each other interface is the previous mark plus the first mark.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/import/import.h"

#define MASK_INITIAL "00ff0000"
#define MARK_INITIAL "00010000"

static const char *uplink_name(const struct uci_section *config)
{
	return uci_get(config, "uplink_interface", uci_get(config, "wan_interface", "wan"));
}

static bool policy_names(const struct uci *u, const char *name)
{
	for (size_t i = 0; i < u->n_sections; i++)
		if (!strcmp(u->sections[i].type, "policy") &&
		    !strcmp(uci_get(&u->sections[i], "interface", ""), name))
			return true;
	return false;
}

static bool is_tunnel(const struct uci_section *network)
{
	static const char *const protos[] = {"wireguard", "openconnect", "pptp", "l2tp",
					     "openvpn",	  "ppp",	 "sstp", "vpnc"};
	const char *proto = uci_get(network, "proto", "");

	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++)
		if (!strcmp(proto, protos[i]))
			return true;
	return false;
}

/* Return whether name begins with "wan" and does not end in 6. "wan6" has the same device as "wan",
 * so it is not a separate uplink. */
static bool is_wan(const char *name)
{
	size_t n = strlen(name);

	return n >= 3 && !strncmp(name, "wan", 3) && name[n - 1] != '6';
}

static bool is_supported(const struct import *i, const struct uci_section *config, const char *name,
			 const struct uci_section *network)
{
	if (config && uci_has(config, "ignored_interface", name))
		return false;
	return !strcmp(name, uplink_name(config)) || is_wan(name) || policy_names(i->file, name) ||
	       (config && uci_has(config, "supported_interface", name)) || is_tunnel(network);
}

static bool name_add(struct import *i, const char *name, uint32_t first)
{
	struct imported_uplink u = {
		.name = name,
		.mark = first * (uint32_t)(i->n_uplinks + 1),
	};

	for (size_t k = 0; k < i->n_uplinks; k++)
		if (!strcmp(i->uplinks[k].name, name))
			return true;
	return import_uplink_add(i, &u);
}

/* Add the interfaces that pbr's file names: first pbr's uplink interface, then the interfaces in
 * options and policies. This is used only if the network file is missing. */
static bool names_add(struct import *i, const struct uci_section *config, uint32_t first)
{
	bool has_room = name_add(i, uplink_name(config), first);

	for (size_t k = 0; config && has_room && k < config->n_options; k++)
		if (!strcmp(config->options[k].key, "supported_interface"))
			has_room = name_add(i, config->options[k].value, first);
	for (size_t k = 0; has_room && k < i->file->n_sections; k++) {
		const struct uci_section *s = &i->file->sections[k];
		const char *name = uci_get(s, "interface", NULL);

		if (!strcmp(s->type, "policy") && name && strcmp(name, "ignore"))
			has_room = name_add(i, name, first);
	}
	return has_room;
}

int import_pbr(struct import *i)
{
	const struct uci_section *config = uci_find(i->file, "pbr", NULL);
	uint32_t first = (uint32_t)strtoul(
		uci_get(config, "uplink_mark", uci_get(config, "wan_mark", MARK_INITIAL)), NULL,
		16);

	i->mask = (uint32_t)strtoul(uci_get(config, "fw_mask", MASK_INITIAL), NULL, 16);
	if (!i->network->n_sections)
		return names_add(i, config, first) ? 0 : -E2BIG;
	for (size_t k = 0; k < i->network->n_sections; k++) {
		const struct uci_section *s = &i->network->sections[k];

		if (!strcmp(s->type, "interface") && is_supported(i, config, s->name, s) &&
		    !name_add(i, s->name, first))
			return -E2BIG;
	}
	return 0;
}

static void policy_note(const struct import *i, const struct uci_section *s)
{
	static const char *const keys[] = {"src_addr",	"src_port", "dest_addr",
					   "dest_port", "proto",    "chain"};

	import_comment(i->out, "policy %s: interface %s%s", uci_get(s, "name", s->name),
		       uci_get(s, "interface", uplink_name(uci_find(i->file, "pbr", NULL))),
		       uci_is_true(s, "enabled", true) ? "" : " (not enabled)");
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
		if (uci_get(s, keys[k], NULL))
			import_comment(i->out, "  %s %s", keys[k], uci_get(s, keys[k], NULL));
}

void import_pbr_notes(const struct import *i)
{
	import_comment(i->out,
		       "Compare the marks with 'ip rule': pbr numbers its interfaces in the");
	import_comment(i->out, "order in which it starts them.");
	for (size_t k = 0; k < i->file->n_sections; k++) {
		const struct uci_section *s = &i->file->sections[k];

		if (!strcmp(s->type, "policy"))
			policy_note(i, s);
		else if (!strcmp(s->type, "include") && uci_is_true(s, "enabled", true))
			import_comment(i->out, "include %s", uci_get(s, "path", "?"));
	}
}
