/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.c - makes a configuration from the daemon's answer to "status". Keys that the answer does
 * not contain have their defaults.
 */
#include "cli/running.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

static void uplink_take(struct uplink_config *u, const struct answer_uplink *a)
{
	snprintf(u->name, sizeof(u->name), "%s", a->name ? a->name : "");
	snprintf(u->ifname, sizeof(u->ifname), "%s", a->ifname ? a->ifname : "");
	u->mark = (uint32_t)a->mark;
	u->table = (uint32_t)a->table;
	u->weight = (uint32_t)a->weight;
	u->tier = (uint32_t)a->tier;
	u->quota_bytes = a->quota > 0 ? (uint64_t)a->quota : 0;
	u->quota_day = (uint32_t)a->quota_day;
}

static void words_take(struct config *c, const struct answer *a)
{
	for (int m = MODE_STEER; a->mode && m <= MODE_AUDIT; m++)
		if (!strcmp(a->mode, config_mode_name(m)))
			c->mode = m;
	for (int b = BALANCE_OFF; a->balance && b <= BALANCE_MAIN; b++)
		if (!strcmp(a->balance, config_balance_name(b)))
			c->balance = b;
}

static int answer_take(struct config *c, const struct answer *a)
{
	words_take(c, a);
	c->mark_mask = (uint32_t)a->mark_mask;
	c->rule_priority = (uint32_t)a->rule_priority;
	c->balance_table = (uint32_t)a->balance_table;
	for (size_t i = 0; i < a->n_uplinks; i++) {
		struct uplink_config *u = config_uplink_add(c);

		if (!u)
			return -ENOMEM;
		uplink_take(u, &a->uplinks[i]);
	}
	config_assign_slots(c);
	return 0;
}

static int path_replace(char **to, const char *path)
{
	free(*to);
	*to = strdup(path ? path : "");
	return *to ? 0 : -ENOMEM;
}

static struct config *config_make(const struct answer *a, const char *socket)
{
	struct config *c = config_new();
	int err = c ? 0 : -errno;

	if (!err)
		err = path_replace(&c->control_socket, socket);
	if (!err)
		err = path_replace(&c->database, a->database);
	if (!err && a->config)
		err = path_replace(&c->path, a->config);
	if (!err)
		err = answer_take(c, a);
	if (!err)
		return c;
	config_free(c);
	return NULL;
}

enum exit_status running_config(const struct invocation *in, struct config **c)
{
	const char *socket = in->values[OPTION_SOCKET];
	struct answer a;
	int err;

	*c = NULL;
	if (!socket) {
		*c = cli_config(in);
		return *c ? CLI_DONE : CLI_FAILED;
	}
	err = client_answer(socket, "status", &a);
	if (err)
		return client_explain(socket, err);
	*c = config_make(&a, socket);
	answer_free(&a);
	if (*c)
		return CLI_DONE;
	cli_error("cannot read the configuration that waymarkd uses: out of memory");
	return CLI_FAILED;
}
