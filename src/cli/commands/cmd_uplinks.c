/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_uplinks.c - `waymark uplinks`: lists the uplinks. The data comes from the daemon. If no
 * daemon runs, the state comes from the kernel and the configuration, and the values that only the
 * daemon counts are unknown.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"
#include "cli/client.h"
#include "waymark/plan/uplink_state.h"
#include "waymark/status/json_text.h"
#include "waymark/steering/steering.h"

static const struct column columns[] = {
	{.name = "name"},
	{.name = "interface"},
	{.name = "state"},
	{.name = "cause", .rank = 6},
	{.name = "decision", .rank = 1},
	{.name = "decided_by", .rank = 13},
	{.name = "until", .rank = 15},
	{.name = "health", .rank = 2},
	{.name = "answered_share", .type = COLUMN_NUMBER, .rank = 7},
	{.name = "tier", .type = COLUMN_NUMBER, .rank = 8},
	{.name = "weight", .type = COLUMN_NUMBER, .rank = 5},
	{.name = "flows_live", .type = COLUMN_NUMBER},
	{.name = "bytes_sent", .type = COLUMN_SIZE, .rank = 3},
	{.name = "bytes_received", .type = COLUMN_SIZE, .rank = 3},
	{.name = "quota", .type = COLUMN_SIZE, .rank = 14},
	{.name = "quota_used", .type = COLUMN_SIZE, .rank = 14},
	{.name = "mismatches", .type = COLUMN_NUMBER},
	{.name = "coverage", .type = COLUMN_NUMBER, .rank = 4},
	{.name = "mark", .type = COLUMN_NUMBER, .rank = 9},
	{.name = "gateway", .rank = 10},
	{.name = "gateway6", .rank = 11},
	{.name = "addresses", .type = COLUMN_LIST, .rank = 12},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

/* Return the rating of a cell. Only cells of columns state, health and mismatches have one. */
static enum paint paint_of(const struct column *c, const json_t *v)
{
	const char *text = json_string_value(v);

	if (!strcmp(c->name, "mismatches"))
		return json_integer_value(v) ? PAINT_BAD : PAINT_NONE;
	if (!text || (strcmp(c->name, "state") && strcmp(c->name, "health")))
		return PAINT_NONE;
	if (!strcmp(text, "up") || !strcmp(text, "healthy"))
		return PAINT_GOOD;
	return !strcmp(text, "down") || !strcmp(text, "missing") || !strcmp(text, "silent")
		       ? PAINT_BAD
		       : PAINT_DOUBT;
}

static void list_show(struct cells *l, const json_t *list)
{
	char text[1024] = "";
	size_t used = 0, i;
	const json_t *item;

	json_array_foreach(list, i, item)
	{
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 i ? "," : "", json_string_value(item));
	}
	cells_text(l, text, PAINT_NONE);
}

static void cell_show(struct cells *l, const struct column *c, const json_t *uplink)
{
	const json_t *v = json_object_get(uplink, c->name);
	double share;

	if (!strcmp(c->name, "coverage") && json_is_object(v))
		v = json_object_get(v, "share");
	share = json_real_value(v);
	if (json_is_integer(v))
		cells_number(l, json_integer_value(v), paint_of(c, v));
	else if (json_is_real(v) && share >= 0)
		cells_share(l, share);
	else if (json_is_string(v))
		cells_text(l, json_string_value(v), paint_of(c, v));
	else if (json_is_array(v))
		list_show(l, v);
	else
		cells_text(l, NULL, PAINT_NONE);
}

static enum exit_status answer_show(struct cells *l, const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	const json_t *list = json_is_array(answer) ? answer : json_object_get(answer, "uplinks");
	const char *error = json_string_value(json_object_get(answer, "error"));
	const json_t *uplink;
	size_t i;

	if (!json_is_array(list))
		cli_error("invalid reply from waymarkd: %s", error ? error : "no list of uplinks");
	json_array_foreach(list, i, uplink)
	{
		for (size_t k = 0; k < N_COLUMNS; k++)
			cell_show(l, &columns[k], uplink);
	}
	list = json_is_array(list) ? list : NULL;
	json_decref(answer);
	return list ? CLI_DONE : CLI_FAILED;
}

/* --- without a daemon ------------------------------------------------------------------ */

/* Return the address of the configured gateway or, if no address is configured, of the gateway in
 * `plan` (NULL: there is no plan). Return NULL if the uplink has no gateway. */
static const char *gateway_text(const struct uplink_plan *plan, const struct gateway *g,
				unsigned family, char text[ADDR_STRLEN])
{
	const struct addr *a = plan ? &plan->gateway[family] : &g->addr;

	if (g->kind == GATEWAY_ADDR)
		a = &g->addr;
	return addr_is_none(a) ? NULL : addr_format(a, text);
}

static json_t *text_json(const char *text)
{
	return text ? json_text_new(text) : json_null();
}

static json_t *addresses_json(const char *text)
{
	json_t *list = json_array();

	while (text && *text) {
		size_t length = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, length));
		text += length + (text[length] == ',');
	}
	return list;
}

static json_t *configured_json(const struct uplink_config *u, const struct steering *steering)
{
	const struct netstate *s = steering_netstate(steering);
	const struct uplink_plan *plan = uplink_plan_find(steering_plan(steering), u->slot);
	char *addresses = uplink_addresses(u, s), gateway[ADDR_STRLEN], gateway6[ADDR_STRLEN];
	json_t *o = json_pack("{so so so so so so sI sI sI}", "name", json_text_new(u->name),
			      "interface", json_text_new(u->ifname), "state",
			      text_json(uplink_state(u, steering_plan(steering), s)), "addresses",
			      addresses_json(addresses), "gateway",
			      text_json(gateway_text(plan, &u->gateway, 0, gateway)), "gateway6",
			      text_json(gateway_text(plan, &u->gateway6, 1, gateway6)), "mark",
			      (json_int_t)u->mark, "weight", (json_int_t)u->weight, "tier",
			      (json_int_t)u->tier);

	free(addresses);
	return o;
}

static enum exit_status configuration_show(struct cells *l, const struct config *c)
{
	struct steering *steering = steering_open(c);
	char *plan = NULL;
	size_t size, i;
	FILE *out = open_memstream(&plan, &size);
	int err = !steering || !out ? -errno : steering_print(steering, out);

	if (out)
		fclose(out);
	free(plan);
	if (err)
		cli_error("uplinks: cannot read links and addresses: %s", strerror(-err));
	for (i = 0; !err && i < c->n_uplinks; i++) {
		json_t *uplink = configured_json(&c->uplinks[i], steering);

		for (size_t k = 0; k < N_COLUMNS; k++)
			cell_show(l, &columns[k], uplink);
		json_decref(uplink);
	}
	steering_close(steering);
	return err ? CLI_FAILED : CLI_DONE;
}

static enum exit_status uplinks_show(const struct invocation *in, const char *path, struct cells *l)
{
	struct config *c = NULL;
	enum exit_status status, ended;
	char *text = NULL;
	int err = client_ask(path, "uplinks", &text);

	if (!err) {
		status = answer_show(l, text);
	} else {
		status = client_explain(path, err);
		c = in->values[OPTION_SOCKET] ? NULL : cli_config(in);
	}
	if (c) {
		cli_error("the state is shown as the kernel reports it; flows, bytes and "
			  "mismatches are unknown");
		status = configuration_show(l, c);
	}
	config_free(c);
	free(text);
	ended = cells_end(l);
	return status == CLI_DONE ? ended : status;
}

enum exit_status cmd_uplinks(const struct invocation *in)
{
	struct cells *l = NULL;
	char *path = cli_socket(in);
	enum exit_status status = CLI_FAILED;

	if (path)
		status = cells_open(&l, in, columns, N_COLUMNS);
	if (path && status == CLI_DONE)
		status = uplinks_show(in, path, l);
	free(path);
	return status;
}
