/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_diff.c - compares two listings of one table, part by part.
 *
 * Pure. A part is a block one level inside the table (a chain, set or map with all its lines), or a
 * single line, such as the table's flags. Must not know what a rule means.
 */
#include "waymark/plan/ruleset_diff.h"

#include <stdio.h>
#include <string.h>

struct part {
	const char *text;
	size_t size;
	size_t name_size; /* size of the first line without the tab and " {" */
	bool is_block;
};

static size_t line_size(const char *line)
{
	size_t size = strcspn(line, "\n");

	return size + (line[size] == '\n');
}

static bool line_is(const char *line, const char *text)
{
	return !strncmp(line, text, strlen(text));
}

/* Return whether a line begins a part. Such a line has one tab and then text. A line with a tab and
 * a closing brace ends a block. */
static bool is_first_line(const char *line)
{
	return line[0] == '\t' && line[1] != '\t' && line[1] != '\n' && line[1] != '}';
}

static void part_measure(struct part *p, const char *line)
{
	size_t first = strcspn(line, "\n"), size = line_size(line);

	p->text = line;
	p->is_block = first > 3 && line[first - 1] == '{';
	p->name_size = first - (p->is_block ? 3 : 1);
	while (p->is_block && line[size] && !line_is(line + size, "\t}"))
		size += line_size(line + size);
	if (p->is_block)
		size += line_size(line + size);
	p->size = size;
}

/* Read the next part at *at, and move *at past it. Return false if there is none. */
static bool part_next(const char **at, struct part *p)
{
	while (**at && !is_first_line(*at))
		*at += line_size(*at);
	if (!**at)
		return false;
	part_measure(p, *at);
	*at += p->size;
	return true;
}

static bool part_is_equal(const struct part *a, const struct part *b)
{
	return a->size == b->size && !memcmp(a->text, b->text, a->size);
}

/* Find the part with the same name in a listing. */
static bool part_find(const char *listing, const struct part *like, struct part *found)
{
	while (part_next(&listing, found))
		if (found->name_size == like->name_size &&
		    !memcmp(found->text + 1, like->text + 1, like->name_size))
			return true;
	return false;
}

static void part_say(const struct part *p, const char *how, char *text, size_t size)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%.*s %s", used ? ", " : "", (int)p->name_size,
		 p->text + 1, how);
}

bool ruleset_compare(const char *loaded, const char *now, char *text, size_t size)
{
	const char *at = loaded;
	struct part part, other;
	bool is_less = false;

	text[0] = '\0';
	while (part_next(&at, &part)) {
		bool is_there = part_find(now, &part, &other);

		if (is_there && part_is_equal(&part, &other))
			continue;
		part_say(&part, is_there ? "changed" : "gone", text, size);
		is_less = true;
	}
	for (at = now; part_next(&at, &part);) {
		if (part_find(loaded, &part, &other))
			continue;
		part_say(&part, "added", text, size);
		is_less |= !part.is_block;
	}
	return is_less;
}
