/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_text.c - prints text that several chains share: names, labels, maps.
 */
#include <inttypes.h>
#include <string.h>

#include "plan/ruleset_internal.h"

bool render_is_few(const struct render *r)
{
	return r->config->n_uplinks <= FEW;
}

/* Print the name of an interface in quotes. nftables reads a trailing '*' as a wildcard unless it
 * is escaped. */
void render_ifname(FILE *out, const char *ifname)
{
	size_t n = strlen(ifname);

	if (n && ifname[n - 1] == '*')
		fprintf(out, "\"%.*s\\*\"", (int)n - 1, ifname);
	else
		fprintf(out, "\"%s\"", ifname);
}

unsigned render_label(const struct render *r, unsigned reserved)
{
	return r->config->label_base + reserved;
}

void render_name_map(struct render *r, const char *chain)
{
	const struct config *c = r->config;

	fputs("vmap {", r->out);
	for (size_t i = 0; i < c->n_uplinks; i++) {
		fputs(i ? ", " : " ", r->out);
		render_ifname(r->out, c->uplinks[i].ifname);
		fprintf(r->out, " : goto %s_0x%" PRIx32, chain, c->uplinks[i].mark);
	}
	fputs(" }\n", r->out);
}

void render_mark_map(struct render *r, const char *unmarked, const char *chain)
{
	const struct config *c = r->config;

	fprintf(r->out, "\t\tct mark & 0x%08" PRIx32 " vmap { 0x0 : goto %s", c->mark_mask,
		unmarked);
	for (size_t i = 0; i < c->n_uplinks; i++)
		fprintf(r->out, ", 0x%" PRIx32 " : goto %s_0x%" PRIx32, c->uplinks[i].mark, chain,
			c->uplinks[i].mark);
	fputs(" }\n", r->out);
}
