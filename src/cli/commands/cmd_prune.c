/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_prune.c - `waymark prune`: applies retention and max-size now, or forgets a host:
 * through the daemon if it runs, because it alone writes then; else here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/error_lines.h"
#include "cli/history.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"
#include "waymark/status/answer.h"
#include "waymark/store/store.h"

/* What the history holds, before and after. */
struct extent {
	uint64_t flows;
	int64_t oldest_ms;
};

static struct extent extent_read(const struct config *c)
{
	struct query *q = access(c->database, R_OK) ? NULL : history_open(c->database);
	struct query_filter f;
	struct query_totals totals = {0};
	struct extent e = {0};
	int64_t id;

	query_filter_init(&f);
	if (q && !query_totals(q, &f, &totals))
		e.flows = totals.flows;
	if (q)
		query_oldest(q, &id, &e.oldest_ms);
	query_close(q);
	return e;
}

static enum exit_status result_say(const struct config *c, const struct extent *before,
				   int64_t bytes_before, int64_t bytes)
{
	struct extent now = extent_read(c);
	char oldest[TIMES_STRLEN], from[UNITS_STRLEN], to[UNITS_STRLEN];

	printf("pruned: %" PRIu64 " flows deleted, %" PRIu64 " kept",
	       before->flows > now.flows ? before->flows - now.flows : 0, now.flows);
	if (now.oldest_ms)
		printf(", the oldest of %s", times_format(now.oldest_ms, TIMES_FULL, oldest));
	printf("; %sB before, %sB now\n", size_format(bytes_before, from), size_format(bytes, to));
	return CLI_DONE;
}

static bool is_agreed(const struct invocation *in, const struct config *c)
{
	char age[UNITS_STRLEN], size[UNITS_STRLEN];

	const char *host = in->values[OPTION_HOST];

	if (in->values[OPTION_YES] || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	if (host)
		return cli_ask("Delete all that %s knows of %s, but for flows that live? [y/N] ",
			       c->database, host);
	return cli_ask("Delete flows that ended more than %s ago%s%s from %s? [y/N] ",
		       c->retention_s ? duration_format((int64_t)c->retention_s * 1000, age)
				      : "(no limit)",
		       c->max_size_bytes ? ", and the oldest beyond " : "",
		       c->max_size_bytes ? size_format((int64_t)c->max_size_bytes, size) : "",
		       c->database);
}

/* --- here --------------------------------------------------------------------------------- */

static enum exit_status store_prune(const struct config *c, const struct addr *host,
				    const struct extent *extent, struct store *st)
{
	struct writer_stats before, now;
	bool was_clean;
	int64_t alive_ms = store_last_alive_ms(st, &was_clean);
	struct writer *w = writer_start(st, 64, 100);

	if (!w) {
		cli_error("prune: %s", strerror(errno));
		return CLI_FAILED;
	}
	writer_flush(w);
	writer_stats(w, &before);
	if (host) {
		writer_forget(w, host);
	} else {
		writer_set_retention(w, c->retention_s, c->max_size_bytes);
		writer_prune(w);
	}
	do {
		client_pause();
		writer_stats(w, &now);
	} while (!now.last_error && !writer_is_pruned(w));
	writer_stats(w, &now);
	/* The daemon was not alive in this: its absence stays a gap. */
	writer_stop(w, was_clean, alive_ms);
	if (!now.last_error)
		return result_say(c, extent, before.database_bytes, now.database_bytes);
	cli_error("prune: %s: %s", c->database, now.last_error_text);
	return CLI_FAILED;
}

static enum exit_status prune_here(const struct config *c, const struct addr *host,
				   const struct extent *extent)
{
	enum exit_status status = CLI_FAILED;
	struct store *st = NULL;
	struct error_lines errors;
	int err = error_lines_open(&errors);

	if (!err) {
		st = store_open(c->database, errors.stream);
		err = st ? 0 : -errno;
	}
	error_lines_close(&errors, c->database, err);
	if (st)
		status = store_prune(c, host, extent, st);
	store_close(st);
	return status;
}

/* --- by the daemon ------------------------------------------------------------------------- */

/* Its answer to a command; 0 and *bytes, whether it still prunes, or -errno. */
static int daemon_ask(const struct config *c, const char *command, int64_t *bytes, bool *is_on)
{
	struct answer a;
	int err = client_answer(c->control_socket, command, &a);

	if (err)
		return err;
	*bytes = a.store.database_bytes;
	*is_on = a.store.is_pruning;
	answer_free(&a);
	return 0;
}

static enum exit_status prune_there(const struct config *c, const struct extent *extent,
				    int64_t before)
{
	int64_t now = before;
	bool is_on = true;
	int err = 0;

	while (!err && is_on) {
		client_pause();
		err = daemon_ask(c, "status", &now, &is_on);
	}
	return err ? client_explain(c->control_socket, err) : result_say(c, extent, before, now);
}

enum exit_status cmd_prune(const struct invocation *in)
{
	struct config *c = cli_config(in);
	const char *text = in->values[OPTION_HOST];
	char command[64] = "prune";
	struct extent extent;
	enum exit_status status;
	struct addr host;
	int64_t bytes = 0;
	bool is_on;
	int err;

	if (!c)
		return CLI_FAILED;
	if (text && addr_parse(&host, text)) {
		config_free(c);
		cli_error("prune: --host \"%s\": want an address: 192.0.2.1, 2001:db8::1", text);
		return CLI_USAGE;
	}
	if (text)
		snprintf(command, sizeof(command), "forget %s", text);
	if (!is_agreed(in, c)) {
		config_free(c);
		cli_error("prune: nothing was deleted");
		return CLI_FAILED;
	}
	extent = extent_read(c);
	err = daemon_ask(c, command, &bytes, &is_on);
	if (!err)
		status = prune_there(c, &extent, bytes);
	else if (err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR)
		status = prune_here(c, text ? &host : NULL, &extent);
	else
		status = client_explain(c->control_socket, err);
	config_free(c);
	return status;
}
