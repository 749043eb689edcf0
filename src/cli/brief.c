/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * brief.c - formats cells of brief tables (history.h) that combine several values of a row.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/egress_name.h"
#include "cli/history.h"

static size_t side_format(char *buf, size_t size, const struct value *values, size_t n,
			  const char *address, const char *port)
{
	const char *text = value_text(values, n, address);
	int64_t number = value_number(values, n, port, -1);
	bool has_brackets = text && strchr(text, ':') && number >= 0;
	int used;

	text = text ? text : "?";
	if (number < 0)
		used = snprintf(buf, size, "%s", text);
	else
		used = snprintf(buf, size, has_brackets ? "[%s]:%" PRId64 : "%s:%" PRId64, text,
				number);
	return used < 0 ? 0 : (size_t)used < size ? (size_t)used : size - 1;
}

void brief_format_flow(char *buf, size_t size, const struct value *values, size_t n)
{
	const char *proto = value_text(values, n, "proto");
	size_t used = (size_t)snprintf(buf, size, "%s ", proto ? proto : "?");

	used += side_format(buf + used, size - used, values, n, "src", "sport");
	used += (size_t)snprintf(buf + used, size - used, " > ");
	side_format(buf + used, size - used, values, n, "dst", "dport");
}

void brief_flow(struct render *r, const struct value *values, size_t n)
{
	char text[160];

	brief_format_flow(text, sizeof(text), values, n);
	render_text(r, text, PAINT_NONE);
}

/* Append the interfaces in `list` that do not belong to `uplink`. If an interface belongs to
 * another uplink, write the name of that uplink. */
static void strays_append(char *buf, size_t size, const char *list, const char *uplink)
{
	size_t used = strlen(buf), item;
	const char *comma = "";
	char name[EGRESS_NAME];

	for (; *list && used < size; list += item + (list[item] == ',')) {
		item = strcspn(list, ",");
		if (egress_is_of(uplink, list, item))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", comma,
					 egress_name(list, item, name));
		comma = ",";
	}
}

/* Write the path of a flow: its uplink or, if packets strayed, "UPLINK→EGRESS". If the flow has
 * no uplink, write only the egress. If the flow entered by an uplink, its mark names the uplink of
 * the replies: write the egress of the replies. */
void brief_path(struct render *r, const struct value *values, size_t n)
{
	const char *uplink = value_text(values, n, "uplink"),
		   *expected = value_text(values, n, "expected"), *egress,
		   *verdict = value_text(values, n, "verdict");
	char text[200];

	uplink = uplink ? uplink : expected;
	egress =
		value_text(values, n, value_text(values, n, "ingress") ? "egress_reply" : "egress");
	if (!egress || !uplink || (!expected && (!verdict || strcmp(verdict, "mismatch")))) {
		render_text(r, uplink ? uplink : egress, PAINT_NONE);
		return;
	}
	snprintf(text, sizeof(text), "%s\xe2\x86\x92", uplink);
	strays_append(text, sizeof(text), egress, uplink);
	render_text(r, text, PAINT_BAD);
}
