/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_export.c - the part of `waymark status` about waymark-export, from its state file and the
 * history.
 */
#include "cli/commands/status_export.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "waymark/base/times.h"
#include "waymark/store/export_state.h"

static bool has_target(const struct export_config *e)
{
	return (e->clickhouse && e->clickhouse[0]) || e->ipfix || e->file;
}

/* Return the number of changes that the target has not acknowledged; -1: unknown. */
static int64_t pending(const struct export_state_target *t, struct feed *f)
{
	int64_t sum = 0, n;

	for (int i = 0; i < FEED_TABLES; i++) {
		if (!f || export_state_pending(t, f, (enum feed_table_id)i, &n))
			return -1;
		sum += n;
	}
	return sum;
}

static void target_print(const struct export_state_target *t, struct feed *f)
{
	char time[TIMES_STRLEN];
	int64_t n = pending(t, f);

	printf("export    %s: ", t->name);
	if (n < 0)
		fputs("the number of pending rows is unknown", stdout);
	else
		printf("%" PRId64 " rows pending", n);
	printf(", last acknowledged %s\n",
	       t->acknowledged_ms ? times_format(t->acknowledged_ms, TIMES_FULL, time) : "never");
	if (t->error_ms)
		printf("          the attempt at %s failed: %s\n",
		       times_format(t->error_ms, TIMES_FULL, time), t->error);
}

static void state_print(const struct config *c)
{
	static struct export_state state;
	int err = export_state_load(&state, c->export.state_file);
	struct feed *feed;

	if (err < 0) {
		printf("export    unknown: cannot read %s: %s\n", c->export.state_file,
		       err == -EBADMSG ? "the file is damaged" : strerror(-err));
		return;
	}
	if (!export_state_is_locked(c->export.state_file))
		puts("export    waymark-export is not running (start it: systemctl start "
		     "waymark-export)");
	feed = feed_open(c->database, NULL);
	for (unsigned i = 0; i < state.n_targets; i++)
		target_print(&state.targets[i], feed);
	feed_close(feed);
}

void status_export_print(const struct invocation *in)
{
	struct config *config = in->values[OPTION_SOCKET] ? NULL : cli_config(in);

	if (config && has_target(&config->export))
		state_print(config);
	config_free(config);
}
