/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import_mwan3.c - converts uplinks, marks and weights from mwan3's file
 * (/etc/config/mwan3).
 *
 * mwan3 numbers its interface sections from 1. The number of a section is also its routing table.
 * The section's mark is the number, spread over the bits of mmx_mask (mwan3.sh: mwan3_id2mask).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/import/import.h"

#define MASK_INITIAL "0x3F00"

/* Spread the bits of `number` over the bits that are set in `mask`, starting with the lowest
 * bit. */
static uint32_t bits_spread(uint32_t number, uint32_t mask)
{
	uint32_t mark = 0;

	for (unsigned bit = 0; bit < 32; bit++) {
		if (!(mask >> bit & 1))
			continue;
		mark |= (number & 1) << bit;
		number >>= 1;
	}
	return mark;
}

/* Return the policy that most traffic uses: the policy of the last rule that matches any
 * destination address and port. If there is no such rule, return the first policy. */
static const struct uci_section *main_policy(const struct uci *u)
{
	const struct uci_section *found = NULL;

	for (size_t i = 0; i < u->n_sections; i++) {
		const struct uci_section *s = &u->sections[i];
		const char *dest = uci_get(s, "dest_ip", "0.0.0.0/0");

		if (!strcmp(s->type, "rule") && !strcmp(dest, "0.0.0.0/0") &&
		    !uci_get(s, "dest_port", NULL) && uci_get(s, "use_policy", NULL))
			found = uci_find(u, "policy", uci_get(s, "use_policy", ""));
	}
	return found ? found : uci_find(u, "policy", NULL);
}

/* Set the weight and the tier of an uplink. In mwan3, a policy lists members. Each member names an
 * interface, its weight, and its metric, which becomes the tier. */
static void member_take(struct imported_uplink *up, const struct uci *u,
			const struct uci_section *policy)
{
	for (size_t i = 0; policy && i < u->n_sections; i++) {
		const struct uci_section *s = &u->sections[i];

		if (strcmp(s->type, "member") || !uci_has(policy, "use_member", s->name) ||
		    strcmp(uci_get(s, "interface", ""), up->name))
			continue;
		up->weight = (unsigned)strtoul(uci_get(s, "weight", "1"), NULL, 10);
		up->tier = (unsigned)strtoul(uci_get(s, "metric", "1"), NULL, 10);
	}
}

int import_mwan3(struct import *i)
{
	const struct uci_section *globals = uci_find(i->file, "globals", NULL);
	const struct uci_section *policy = main_policy(i->file);
	uint32_t number = 0;

	i->mask = (uint32_t)strtoul(uci_get(globals, "mmx_mask", MASK_INITIAL), NULL, 0);
	for (size_t k = 0; k < i->file->n_sections; k++) {
		const struct uci_section *s = &i->file->sections[k];
		struct imported_uplink u = {.name = s->name};

		if (strcmp(s->type, "interface"))
			continue;
		u.table = ++number;
		u.mark = bits_spread(number, i->mask);
		member_take(&u, i->file, policy);
		if (!uci_is_true(s, "enabled", false))
			continue;
		if (!import_uplink_add(i, &u))
			return -E2BIG;
	}
	return 0;
}

static void policy_note(const struct import *i, const struct uci_section *s)
{
	import_comment(i->out, "policy %s: last_resort %s", s->name,
		       uci_get(s, "last_resort", "unreachable"));
	for (size_t k = 0; k < s->n_options; k++) {
		const struct uci_section *m =
			strcmp(s->options[k].key, "use_member")
				? NULL
				: uci_find(i->file, "member", s->options[k].value);

		if (m)
			import_comment(i->out, "  %s: metric %s, weight %s",
				       uci_get(m, "interface", "?"), uci_get(m, "metric", "1"),
				       uci_get(m, "weight", "1"));
	}
}

static void rule_note(const struct import *i, const struct uci_section *s)
{
	static const char *const keys[] = {"family",  "proto",	   "src_ip", "src_port",
					   "dest_ip", "dest_port", "ipset",  "sticky"};

	import_comment(i->out, "rule %s: policy %s", s->name, uci_get(s, "use_policy", "?"));
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
		if (uci_get(s, keys[k], NULL))
			import_comment(i->out, "  %s %s", keys[k], uci_get(s, keys[k], NULL));
}

static void interface_note(const struct import *i, const struct uci_section *s)
{
	if (!uci_is_true(s, "enabled", false))
		import_comment(i->out, "interface %s is not enabled", s->name);
	for (size_t k = 0; k < s->n_options; k++)
		if (!strcmp(s->options[k].key, "track_ip"))
			import_comment(i->out,
				       "interface %s: track_ip %s (a program of a section health "
				       "can test this address)",
				       s->name, s->options[k].value);
}

void import_mwan3_notes(const struct import *i)
{
	for (size_t k = 0; k < i->file->n_sections; k++) {
		const struct uci_section *s = &i->file->sections[k];

		if (!strcmp(s->type, "policy"))
			policy_note(i, s);
		else if (!strcmp(s->type, "rule"))
			rule_note(i, s);
		else if (!strcmp(s->type, "interface"))
			interface_note(i, s);
	}
}
