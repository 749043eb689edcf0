/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * egress_name.c - finds the name of the uplink that an interface belongs to, for tables that users
 * read.
 *
 * A command reads the uplinks of the history once. There an uplink can have several interfaces,
 * because its configured interface was changed.
 */
#include "cli/egress_name.h"

#include <stdio.h>
#include <string.h>

#include "cli/filter.h"

#define NAMES_MAX 256

static struct {
	char uplink[EGRESS_NAME], interface[EGRESS_NAME];
} names[NAMES_MAX];
static size_t n_names;

void egress_name_add(const char *uplink, const char *interface)
{
	if (n_names == NAMES_MAX)
		return;
	snprintf(names[n_names].uplink, EGRESS_NAME, "%s", uplink);
	snprintf(names[n_names++].interface, EGRESS_NAME, "%s", interface);
}

void egress_names_clear(void)
{
	n_names = 0;
}

static int uplink_take(void *data, const struct value *values, size_t n)
{
	const char *uplink = value_text(values, n, "name");
	const char *interface = value_text(values, n, "interface");

	(void)data;
	if (uplink && interface)
		egress_name_add(uplink, interface);
	return 0;
}

int egress_names_read(struct query *q)
{
	egress_names_clear();
	return query_uplinks(q, uplink_take, NULL);
}

static bool is_same(const char *name, const char *text, size_t length)
{
	return !strncmp(name, text, length) && !name[length];
}

const char *egress_name(const char *interface, size_t length, char buf[EGRESS_NAME])
{
	for (size_t i = 0; length < EGRESS_NAME && i < n_names; i++)
		if (is_same(names[i].interface, interface, length))
			return names[i].uplink;
	snprintf(buf, EGRESS_NAME, "%.*s", (int)(length < EGRESS_NAME ? length : EGRESS_NAME - 1),
		 interface);
	return buf;
}

bool egress_is_of(const char *uplink, const char *interface, size_t length)
{
	if (length >= EGRESS_NAME)
		return false;
	if (is_same(uplink, interface, length))
		return true;
	for (size_t i = 0; i < n_names; i++)
		if (!strcmp(names[i].uplink, uplink) &&
		    is_same(names[i].interface, interface, length))
			return true;
	return false;
}
