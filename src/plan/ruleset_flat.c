/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_flat.c - converts the text "table inet waymark { chain a { ... } }" to single commands
 * ("add chain", "add rule").
 *
 * Pure. It reads the text that ruleset.c writes and nft's listing of the loaded table. In both, a
 * part begins with one tab, and its lines begin with two tabs. Must not know what a rule means.
 */
#define _GNU_SOURCE /* open_memstream, asprintf */
#include "waymark/plan/ruleset_flat.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/plan/ruleset.h"

#define TABLE RULESET_FAMILY " " RULESET_TABLE

struct part {
	char kind[8]; /* chain, set, map */
	char name[64];
};

static const char *line_after(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

static bool line_begins_part(const char *line, struct part *p)
{
	return line[0] == '\t' && line[1] != '\t' &&
	       sscanf(line + 1, "%7s %63s {", p->kind, p->name) == 2 &&
	       (!strcmp(p->kind, "chain") || !strcmp(p->kind, "set") || !strcmp(p->kind, "map"));
}

/* Get a line of a part without its tabs. Return false if the part has ended. */
static bool line_is_inside(const char *line, const char **content, int *size)
{
	if (line[0] != '\t' || line[1] != '\t')
		return false;
	*content = line + 2;
	*size = (int)strcspn(*content, "\n");
	return true;
}

/* Print the commands that delete all chains of a listing (if `are_chains`), or all its sets and
 * maps. The kernel deletes none that a rule uses, so "flush table" must come first. */
static void parts_delete(FILE *out, const char *listing, bool are_chains)
{
	struct part p;

	for (; *listing; listing = line_after(listing))
		if (line_begins_part(listing, &p) && are_chains == !strcmp(p.kind, "chain"))
			fprintf(out, "delete %s " TABLE " %s\n", p.kind, p.name);
}

/* Print the command that adds a part: a set or map with all its lines in braces, a base chain with
 * its hook line in braces, or another chain without braces. */
static void part_add(FILE *out, const struct part *p, const char *line)
{
	bool is_chain = !strcmp(p->kind, "chain");
	const char *content;
	int size;

	fprintf(out, "add %s " TABLE " %s", p->kind, p->name);
	if (is_chain && strncmp(line, "\t\ttype ", strlen("\t\ttype "))) {
		fputc('\n', out);
		return;
	}
	fputs(" {", out);
	for (; line_is_inside(line, &content, &size); line = line_after(line)) {
		fprintf(out, " %.*s%s", size, content, content[size - 1] == ';' ? "" : ";");
		if (is_chain)
			break;
	}
	fputs(" }\n", out);
}

static void parts_add(FILE *out, const char *text)
{
	struct part p;

	for (; *text; text = line_after(text))
		if (line_begins_part(text, &p))
			part_add(out, &p, line_after(text));
}

static void rules_add(FILE *out, const char *text)
{
	const char *content;
	struct part p = {"", ""};
	int size;

	for (; *text; text = line_after(text)) {
		if (line_begins_part(text, &p))
			continue;
		if (!strcmp(p.kind, "chain") && line_is_inside(text, &content, &size) &&
		    strncmp(content, "type ", strlen("type ")))
			fprintf(out, "add rule " TABLE " %s %.*s\n", p.name, size, content);
	}
}

char *ruleset_flatten(const char *text, const char *former)
{
	char *flat = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&flat, &size);

	if (!out)
		return NULL;
	fputs("flush table " TABLE "\n", out);
	if (former) {
		parts_delete(out, former, true);
		parts_delete(out, former, false);
	}
	parts_add(out, text);
	rules_add(out, text);
	if (fclose(out)) {
		free(flat);
		errno = ENOMEM;
		return NULL;
	}
	return flat;
}

char *ruleset_stand_in(const char *text)
{
	static const char head[] = "table " TABLE " {\n";
	const char *body = strstr(text, head);
	char *other = NULL;

	if (!body) {
		errno = EINVAL;
		return NULL;
	}
	if (asprintf(&other, "add table inet %s\ndelete table inet %s\ntable inet %s {\n%s",
		     RULESET_STAND_IN, RULESET_STAND_IN, RULESET_STAND_IN,
		     body + strlen(head)) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	return other;
}

const char *ruleset_without_add(const char *text)
{
	static const char add[] = "add table " TABLE "\n";

	return strncmp(text, add, strlen(add)) ? text : text + strlen(add);
}
