/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_name.c - checks whether the daemon or the history knows the names of uplinks and
 * interfaces that the user typed.
 */
#include "cli/uplink_name.h"

#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/filter.h"
#include "waymark/base/suggest.h"

#define NAMES_MAX 128

struct known {
	struct suggestion s;
	char names[NAMES_MAX][32]; /* s.best can point to one of these names */
	size_t n;
	bool is_found;
};

static void name_take(struct known *k, const char *name)
{
	if (!name || k->n == NAMES_MAX)
		return;
	k->is_found |= !strcmp(name, k->s.name);
	snprintf(k->names[k->n], sizeof(k->names[0]), "%s", name);
	suggest_consider(&k->s, k->names[k->n++]);
}

static enum exit_status name_refuse(const struct invocation *in, const struct known *k,
				    const char *kind, const char *place)
{
	cli_error("%s: no %s \"%s\"%s (%s%s)", in->command->name, kind, k->s.name, place,
		  k->s.best ? "did you mean "
			    : "'waymark uplinks' lists the uplinks and interfaces",
		  k->s.best ? k->s.best : "");
	return CLI_USAGE;
}

enum exit_status uplink_name_check(const struct invocation *in, const char *path, const char *name)
{
	struct known k = {0};
	struct answer a;
	int err = client_answer(path, "uplinks", &a);

	if (err)
		return client_explain(path, err);
	suggest_start(&k.s, name);
	for (size_t i = 0; i < a.n_uplinks; i++)
		name_take(&k, a.uplinks[i].name);
	answer_free(&a);
	return k.is_found ? CLI_DONE : name_refuse(in, &k, "uplink", "");
}

static int uplink_take(void *data, const struct value *values, size_t n)
{
	name_take(data, value_text(values, n, "name"));
	name_take(data, value_text(values, n, "interface"));
	return 0;
}

static int interface_take(void *data, const struct value *values, size_t n)
{
	name_take(data, value_text(values, n, "interface"));
	return 0;
}

enum exit_status uplink_name_check_history(const struct invocation *in, struct query *q)
{
	static const struct {
		enum option_id option;
		const char *kind;
		int (*names)(struct query *q, query_row_fn *fn, void *data);
		query_row_fn *take;
	} rows[] = {
		{OPTION_UPLINK, "uplink", query_uplinks, uplink_take},
		{OPTION_INGRESS, "uplink", query_uplinks, uplink_take},
		{OPTION_EGRESS, "interface", query_interfaces, interface_take},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = in->values[rows[i].option];
		struct known k = {0};

		if (!name)
			continue;
		suggest_start(&k.s, name);
		if (rows[i].names(q, rows[i].take, &k) >= 0 && !k.is_found && k.n < NAMES_MAX)
			return name_refuse(in, &k, rows[i].kind, " in the history");
	}
	return CLI_DONE;
}
