/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import_waymark.c - converts Waymark's UCI file (/etc/config/waymark), which OpenWrt's service
 * uses. An option sets the configuration key of the same name. In the option's name, '_' stands for
 * '-'.
 *
 * Keys and values are copied unchecked, because the program that reads the printed configuration
 * checks them. But UCI's booleans, such as 1 and on, become true and false.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/import/import.h"

#define MAIN_SECTION "waymark"
#define ENABLED	     "enabled" /* of MAIN_SECTION: start waymarkd; of an uplink: convert it */

/* Section types that have the same name in the UCI file and in the configuration. */
static const char *const blocks[] = {"alert", "prometheus", "export"};

/* Write the configuration key of an option to `key`, and return `key`: '_' becomes '-'. */
static const char *key_of(const char *option, char *key, size_t size)
{
	snprintf(key, size, "%s", option);
	for (char *p = key; *p; p++)
		*p = *p == '_' ? '-' : (char)(isalnum((unsigned char)*p) ? *p : '?');
	return key;
}

static const char *value_of(const struct uci_section *s, const char *section, size_t k)
{
	char key[64];

	if (!config_is_boolean(section, key_of(s->options[k].key, key, sizeof(key))))
		return s->options[k].value;
	return uci_is_true(s, s->options[k].key, false) ? "true" : "false";
}

/* Print the option with index `first`. If it belongs to a list, print all values of the list, which
 * are separate entries in s->options. */
static void option_print(const struct import *i, const struct uci_section *s, const char *section,
			 size_t first)
{
	const char *option = s->options[first].key;
	char key[64];
	size_t n = 0;

	for (size_t k = first; k < s->n_options; k++)
		n += !strcmp(s->options[k].key, option);
	fprintf(i->out, "%s = %s", key_of(option, key, sizeof(key)), n > 1 ? "{" : "");
	for (size_t k = first, printed = 0; k < s->n_options; k++) {
		if (strcmp(s->options[k].key, option))
			continue;
		fputs(printed++ ? ", " : "", i->out);
		import_string(i->out, value_of(s, section, k));
	}
	fputs(n > 1 ? "}\n" : "\n", i->out);
}

static bool is_repeated(const struct uci_section *s, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (!strcmp(s->options[i].key, s->options[k].key))
			return true;
	return false;
}

static void options_print(const struct import *i, const struct uci_section *s, const char *section,
			  const char *indent)
{
	for (size_t k = 0; k < s->n_options; k++) {
		const char *key = s->options[k].key;

		if (!strcmp(key, ENABLED) || !strcmp(key, "network") || is_repeated(s, k))
			continue;
		fputs(indent, i->out);
		option_print(i, s, section, k);
	}
}

static void block_print(const struct import *i, const struct uci_section *s, const char *indent)
{
	char inner[16];

	snprintf(inner, sizeof(inner), "%s    ", indent);
	fprintf(i->out, "%s%s {\n", indent, s->type);
	options_print(i, s, s->type, inner);
	fprintf(i->out, "%s}\n", indent);
}

/* Print the section of an uplink. Without option "interface", the interface is the device of a
 * section of the network file: the one that option "network" names or, without this option, the one
 * with the uplink's name. */
static void uplink_print(const struct import *i, const struct uci_section *s)
{
	const struct uci_section *health = uci_find(i->file, "health", s->name);
	char device[64] = "";

	fputs("uplink ", i->out);
	import_name(i->out, s->name, 0);
	fputs(" {\n", i->out);
	if (!uci_get(s, "interface", NULL)) {
		import_device(device, sizeof(device), i->network, uci_get(s, "network", s->name));
		fputs("    interface = ", i->out);
		import_string(i->out, device);
		fputc('\n', i->out);
	}
	options_print(i, s, "uplink", "    ");
	if (health)
		block_print(i, health, "    ");
	fputs("}\n", i->out);
}

static bool is_block(const char *type)
{
	for (size_t k = 0; k < sizeof(blocks) / sizeof(*blocks); k++)
		if (!strcmp(type, blocks[k]))
			return true;
	return false;
}

/* Fail if the file has an unknown section. Otherwise the section would be ignored without a
 * message. */
static int sections_check(const struct uci *u)
{
	for (size_t k = 0; k < u->n_sections; k++) {
		const struct uci_section *s = &u->sections[k];

		if (!strcmp(s->type, "health") && !uci_find(u, "uplink", s->name)) {
			cli_error("import: section health '%s' names an unknown uplink", s->name);
			return -EINVAL;
		}
		if (strcmp(s->type, MAIN_SECTION) && strcmp(s->type, "uplink") &&
		    strcmp(s->type, "health") && !is_block(s->type)) {
			cli_error("import: unknown section '%s': expected waymark, uplink, health, "
				  "alert, prometheus or export",
				  s->type);
			return -EINVAL;
		}
	}
	return 0;
}

int import_waymark(struct import *i)
{
	const struct uci_section *main_section = uci_find(i->file, MAIN_SECTION, NULL);
	int err = sections_check(i->file);

	if (err)
		return err;
	import_comment(i->out, "Made from the UCI file by 'waymark import waymark'. Edit the UCI "
			       "file, not this one.");
	if (main_section)
		options_print(i, main_section, "", "");
	for (size_t k = 0; k < i->file->n_sections; k++) {
		const struct uci_section *s = &i->file->sections[k];

		if (is_block(s->type))
			block_print(i, s, "");
		else if (!strcmp(s->type, "uplink") && uci_is_true(s, ENABLED, true))
			uplink_print(i, s);
	}
	return 0;
}
