/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_import.c - `waymark import mwan3|pbr FILE` prints a configuration that audits the marks of
 * another program. Settings that cannot be converted become comments. `waymark import waymark FILE`
 * prints the configuration that Waymark's own UCI file describes.
 */
#define _GNU_SOURCE /* vasprintf */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/import/import.h"
#include "waymark/base/shell.h"

static const struct importer {
	const char *tool;
	int (*read)(struct import *i);
	void (*notes)(const struct import *i);
} importers[] = {
	{"mwan3", import_mwan3, import_mwan3_notes},
	{"pbr", import_pbr, import_pbr_notes},
};

/* --- printing -------------------------------------------------------------------------------- */

static void uplink_print(const struct import *i, size_t k)
{
	const struct imported_uplink *u = &i->uplinks[k];

	fputc('\n', i->out);
	if (u->shares) {
		import_comment(i->out,
			       "%s (mark 0x%" PRIx32
			       ") has the same interface as %s: Waymark gives an interface one "
			       "mark for both families.",
			       u->name, u->mark, u->shares);
		return;
	}
	if (!*u->device)
		import_comment(i->out, "The network file has no interface for %s: set it below.",
			       u->name);
	fputs("uplink ", i->out);
	import_name(i->out, u->name, k + 1);
	fputs(" {\n    interface = ", i->out);
	import_string(i->out, *u->device ? u->device : u->name);
	fprintf(i->out, "\n    mark      = 0x%" PRIx32 "\n", u->mark);
	if (u->table)
		fprintf(i->out, "    table     = %" PRIu32 "\n", u->table);
	if (u->weight)
		fprintf(i->out, "    weight    = %u\n", u->weight > 256 ? 256 : u->weight);
	if (u->tier > 1)
		fprintf(i->out, "    tier      = %u\n", u->tier);
	fputs("}\n", i->out);
}

static void file_print(const struct import *i, const struct importer *with)
{
	import_comment(i->out,
		       "Waymark configuration, converted from a file of %s by 'waymark import'.",
		       i->tool);
	fprintf(i->out,
		"#\n"
		"# First step: %s keeps steering, and Waymark verifies where the flows leave.\n"
		"# Second step: stop and disable %s, set mode = \"steer\", give each uplink a\n"
		"# table, and run 'waymark check'.\n"
		"mode      = \"audit\"\n"
		"mark-mask = 0x%" PRIx32 "\n",
		i->tool, i->tool, i->mask);
	for (size_t k = 0; k < i->n_uplinks; k++)
		uplink_print(i, k);
	fputs("\n# Not carried over:\n", i->out);
	with->notes(i);
}

/* --- reading --------------------------------------------------------------------------- */

static int file_read(struct uci *u, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned line = 0;
	int err = file ? uci_read(u, file, &line) : -errno;

	if (file)
		fclose(file);
	if (err == -EINVAL)
		cli_error("import: %s:%u: this line is not in UCI format", path, line);
	else if (err)
		cli_error("import: cannot read %s: %s", path, strerror(-err));
	return err;
}

/* Read OpenWrt's network file, which is in the same folder as path. If this fails, *u is empty, and
 * the user has to add the interfaces to the printed configuration. */
static void network_read(struct uci *u, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *beside = NULL;
	unsigned line;
	FILE *file;

	*u = (struct uci){0};
	if (asprintf(&beside, "%.*snetwork", slash ? (int)(slash - path + 1) : 0, path) < 0)
		return;
	file = fopen(beside, "re");
	if (file && uci_read(u, file, &line))
		*u = (struct uci){0};
	if (file)
		fclose(file);
	free(beside);
}

static const struct importer *importer_find(const char *tool)
{
	for (size_t i = 0; i < sizeof(importers) / sizeof(*importers); i++)
		if (!strcmp(importers[i].tool, tool))
			return &importers[i];
	return NULL;
}

static enum exit_status import_audit(struct import *i, const struct importer *with,
				     const char *path)
{
	int err = with->read(i);

	if (!err && i->n_uplinks) {
		file_print(i, with);
		return CLI_DONE;
	}
	if (err)
		cli_error("import: %s has more than %d interfaces", path, UPLINKS_MAX);
	else
		cli_error("import: %s has no enabled interface", path);
	return CLI_FAILED;
}

enum exit_status cmd_import(const struct invocation *in)
{
	const char *tool = in->operands[0] ? in->operands[0] : "", *path = in->operands[1];
	const struct importer *with = importer_find(tool);
	bool is_own = !strcmp(tool, "waymark");
	struct uci file = {0}, network = {0};
	struct import i = {.tool = tool, .file = &file, .network = &network, .out = stdout};
	enum exit_status status;

	if ((!with && !is_own) || !path) {
		cli_error("import: expected a tool and its file: 'import mwan3 FILE', 'import pbr "
			  "FILE' or 'import waymark FILE'");
		return CLI_USAGE;
	}
	if (file_read(&file, path))
		return CLI_FAILED;
	network_read(&network, path);
	if (is_own)
		status = import_waymark(&i) ? CLI_FAILED : CLI_DONE;
	else
		status = import_audit(&i, with, path);
	uci_clear(&network);
	uci_clear(&file);
	return status;
}
