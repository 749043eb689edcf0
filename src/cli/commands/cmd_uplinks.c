/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_uplinks.c - `waymark uplinks`: each uplink, as the daemon sees it; without
 * a daemon, as the kernel and the configuration say, with what nobody counts
 * now unknown.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/status/answer.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "waymark/steering/steering.h"
#include "waymark/plan/uplink_state.h"

static const struct column columns[] = {
	{.name = "name"},
	{.name = "interface"},
	{.name = "state"},
	{.name = "addresses", .type = COLUMN_LIST},
	{.name = "gateway"},
	{.name = "gateway6"},
	{.name = "mark", .type = COLUMN_NUMBER},
	{.name = "weight", .type = COLUMN_NUMBER},
	{.name = "tier", .type = COLUMN_NUMBER},
	{.name = "flows_live", .type = COLUMN_NUMBER},
	{.name = "bytes", .type = COLUMN_NUMBER},
	{.name = "mismatches", .type = COLUMN_NUMBER},
	{.name = "coverage", .type = COLUMN_NUMBER},
	{.name = "health"},
	{.name = "answered_share", .type = COLUMN_NUMBER},
	{.name = "cause"},
	{.name = "decision"},
	{.name = "decided_by"},
	{.name = "until"},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))
/* The last ones, that only the daemon counts. */
#define UNKNOWN_COLUMNS 10

static void state_show(struct render *r, const char *state)
{
	enum paint paint = PAINT_DOUBT;

	if (state && !strcmp(state, "up"))
		paint = PAINT_GOOD;
	else if (state && (!strcmp(state, "down") || !strcmp(state, "missing")))
		paint = PAINT_BAD;
	render_text(r, state, paint);
}

static void health_show(struct render *r, const struct answer_uplink *u)
{
	bool is_bad = u->health && (!strcmp(u->health, "silent") || !strcmp(u->health, "degraded"));

	render_text(r, u->health, is_bad ? PAINT_BAD : PAINT_NONE);
	if (u->answered_share >= 0)
		render_share(r, u->answered_share, is_bad ? PAINT_BAD : PAINT_NONE);
	else
		render_unknown(r);
	render_text(r, u->cause, PAINT_NONE);
	render_text(r, u->decision, PAINT_NONE);
	render_text(r, u->decided_by, PAINT_NONE);
	render_text(r, u->until, PAINT_NONE);
}

static void answered_show(struct render *r, const struct answer_uplink *u)
{
	render_text(r, u->name, PAINT_NONE);
	render_text(r, u->ifname, PAINT_NONE);
	state_show(r, u->state);
	render_text(r, u->addresses, PAINT_NONE);
	render_text(r, u->gateway, PAINT_NONE);
	render_text(r, u->gateway6, PAINT_NONE);
	render_number(r, u->mark, PAINT_NONE);
	render_number(r, u->weight, PAINT_NONE);
	render_number(r, u->tier, PAINT_NONE);
	render_number(r, u->flows_live, PAINT_NONE);
	render_number(r, u->bytes, PAINT_NONE);
	render_number(r, u->mismatches, u->mismatches ? PAINT_BAD : PAINT_NONE);
	if (u->coverage.is_there && u->coverage.share >= 0)
		render_share(r, u->coverage.share, PAINT_NONE);
	else
		render_unknown(r);
	health_show(r, u);
}

static enum exit_status answer_show(struct render *r, const char *text)
{
	struct answer a;
	int err = answer_parse(&a, text);
	const char *why = err ? strerror(-err) : a.error;
	size_t i;

	if (why)
		cli_error("the daemon's answer is of no use: %s", why);
	for (i = 0; !err && i < a.n_uplinks; i++)
		answered_show(r, &a.uplinks[i]);
	if (!err)
		answer_free(&a);
	return why ? CLI_FAILED : CLI_DONE;
}

/* The gateway in use, else the one configured, else none. */
static void gateway_show(struct render *r, const struct uplink_plan *plan, const struct gateway *g,
			 unsigned family)
{
	char text[ADDR_STRLEN];
	const struct addr *a = plan ? &plan->gateway[family] : &g->addr;

	if (g->kind == GATEWAY_ADDR)
		a = &g->addr;
	if (addr_is_none(a))
		render_unknown(r);
	else
		render_text(r, addr_format(a, text), PAINT_NONE);
}

static void configured_show(struct render *r, const struct uplink_config *u,
			    const struct steering *steering)
{
	const struct netstate *s = steering_netstate(steering);
	const struct uplink_plan *plan = uplink_plan_find(steering_plan(steering), u->slot);
	char *addresses = uplink_addresses(u, s);

	render_text(r, u->name, PAINT_NONE);
	render_text(r, u->ifname, PAINT_NONE);
	state_show(r, uplink_state(u, steering_plan(steering), s));
	render_text(r, addresses, PAINT_NONE);
	gateway_show(r, plan, &u->gateway, 0);
	gateway_show(r, plan, &u->gateway6, 1);
	render_number(r, u->mark, PAINT_NONE);
	render_number(r, u->weight, PAINT_NONE);
	render_number(r, u->tier, PAINT_NONE);
	for (size_t i = UNKNOWN_COLUMNS; i; i--)
		render_unknown(r);
	free(addresses);
}

static enum exit_status configuration_show(struct render *r, const struct config *c)
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
		cli_error("uplinks: cannot read the kernel's links and addresses: %s",
			  strerror(-err));
	for (i = 0; !err && i < c->n_uplinks; i++)
		configured_show(r, &c->uplinks[i], steering);
	steering_close(steering);
	return err ? CLI_FAILED : CLI_DONE;
}

static enum exit_status uplinks_show(const struct config *c, struct render *r)
{
	enum exit_status status, ended;
	char *text = NULL;
	int err = client_ask(c->control_socket, "uplinks", &text);

	if (err) {
		client_explain(c->control_socket, err);
		cli_error(
			"state is read from the kernel; flows, bytes and mismatches are not known");
		status = configuration_show(r, c);
	} else {
		status = answer_show(r, text);
	}
	free(text);
	ended = cli_render_end(r);
	return status == CLI_DONE ? ended : status;
}

enum exit_status cmd_uplinks(const struct invocation *in)
{
	struct config *config = cli_config(in);
	struct render *r = NULL;
	enum exit_status status = CLI_FAILED;

	if (config) {
		r = render_new(&in->style, columns, N_COLUMNS, stdout);
		if (r)
			status = uplinks_show(config, r);
		else
			cli_error("out of memory");
	}
	config_free(config);
	return status;
}
