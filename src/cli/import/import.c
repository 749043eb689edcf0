/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import.c - stores the uplinks that the importers find, and prints comments.
 */
#define _GNU_SOURCE /* vasprintf */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import/import.h"
#include "waymark/base/shell.h"

void import_comment(FILE *out, const char *format, ...)
{
	char text[512], *raw = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&raw, format, arguments) < 0)
		raw = NULL;
	va_end(arguments);
	if (raw)
		fprintf(out, "# %s\n", text_printable(text, sizeof(text), raw));
	free(raw);
}

/* For some protocols, such as PPP, the name of the interface consists of a prefix and the name of
 * the section. Return this prefix ("" for wireguard). Return NULL for all other protocols. */
static const char *device_prefix(const char *proto)
{
	static const char *const dialled[][2] = {
		{"pppoe", "pppoe-"}, {"pppoa", "pppoa-"}, {"pptp", "pptp-"}, {"l2tp", "l2tp-"},
		{"3g", "3g-"},	     {"6in4", "6in4-"},	  {"6to4", "6to4-"},
	};

	for (size_t i = 0; i < sizeof(dialled) / sizeof(*dialled); i++)
		if (!strcmp(proto, dialled[i][0]))
			return dialled[i][1];
	return !strcmp(proto, "wireguard") ? "" : NULL;
}

void import_device(char *device, size_t size, const struct uci *network, const char *name)
{
	/* "@wan" means the device of section wan. */
	for (int depth = 0; depth < 4; depth++) {
		const struct uci_section *s = uci_find(network, "interface", name);
		const char *prefix = s ? device_prefix(uci_get(s, "proto", "")) : NULL;
		const char *value = s ? uci_get(s, "device", uci_get(s, "ifname", "")) : "";

		if (prefix) {
			snprintf(device, size, "%s%s", prefix, name);
			return;
		}
		if (*value != '@') {
			snprintf(device, size, "%.*s", (int)strcspn(value, " "), value);
			return;
		}
		name = value + 1;
	}
}

bool import_uplink_add(struct import *i, const struct imported_uplink *u)
{
	struct imported_uplink *added = &i->uplinks[i->n_uplinks];

	if (i->n_uplinks == UPLINKS_MAX)
		return false;
	*added = *u;
	import_device(added->device, sizeof(added->device), i->network, u->name);
	for (size_t k = 0; *added->device && k < i->n_uplinks; k++)
		if (!strcmp(i->uplinks[k].device, added->device))
			added->shares = i->uplinks[k].name;
	i->n_uplinks++;
	return true;
}

void import_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (isprint((unsigned char)*text) && !strchr("\"\\$", *text))
			fputc(*text, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
	}
	fputc('"', out);
}

void import_name(FILE *out, const char *name, size_t number)
{
	bool is_name = isalpha((unsigned char)*name) && strlen(name) < UPLINK_NAME_MAX;

	for (const char *p = name; *p; p++)
		is_name &= isalnum((unsigned char)*p) || *p == '_' || *p == '-';
	if (is_name)
		fputs(name, out);
	else
		fprintf(out, "uplink%zu", number);
}
