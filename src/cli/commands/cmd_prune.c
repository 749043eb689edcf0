/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_prune.c - `waymark prune`: applies retention and max-size now, or deletes all rows of a host.
 * A running daemon does the work, because only one process may write to the history. Without a
 * daemon, this process does the work.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/database.h"
#include "cli/client.h"
#include "cli/error_lines.h"
#include "cli/history.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"
#include "waymark/status/answer.h"
#include "waymark/store/store.h"

/* The history: its path, and the control socket of the daemon that writes it. */
struct place {
	char *socket, *database;
	struct config *config; /* NULL if --socket is given, because only the daemon's
			        * configuration matters then */
};

/* The number of flows in the history, and the time of the oldest flow. */
struct extent {
	uint64_t flows;
	int64_t oldest_ms;
};

static struct extent extent_read(const struct place *p)
{
	struct query *q = access(p->database, R_OK) ? NULL : history_open(p->database);
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

static enum exit_status result_say(const struct place *p, const struct extent *before,
				   int64_t bytes_before, int64_t bytes)
{
	struct extent now = extent_read(p);
	char oldest[TIMES_STRLEN], from[UNITS_STRLEN], to[UNITS_STRLEN];

	printf("pruned: %" PRIu64 " flows deleted, %" PRIu64 " kept",
	       before->flows > now.flows ? before->flows - now.flows : 0, now.flows);
	if (now.oldest_ms)
		printf(", the oldest from %s", times_format(now.oldest_ms, TIMES_FULL, oldest));
	printf("; %sB before, %sB now\n", size_format(bytes_before, from), size_format(bytes, to));
	return CLI_DONE;
}

static bool is_agreed(const struct invocation *in, const struct place *p)
{
	char age[UNITS_STRLEN], size[UNITS_STRLEN];
	const char *host = in->values[OPTION_HOST];
	const struct config *c = p->config;

	if (in->values[OPTION_YES] || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	if (host)
		return cli_ask("Delete all records of %s, except live flows, from %s? [y/N] ", host,
			       p->database);
	if (!c)
		return cli_ask("Delete from %s the flows that exceed retention or max-size? [y/N] ",
			       p->database);
	if (c->max_size_bytes)
		size_format((int64_t)c->max_size_bytes, size);
	if (!c->retention_s)
		return cli_ask("Delete the oldest flows until at most %s remain in %s? [y/N] ",
			       c->max_size_bytes ? size : "(no limit)", c->database);
	return cli_ask("Delete from %s the flows that ended more than %s ago%s%s? [y/N] ",
		       c->database, duration_format((int64_t)c->retention_s * 1000, age),
		       c->max_size_bytes ? ", and the oldest ones until its size is at most " : "",
		       c->max_size_bytes ? size : "");
}

/* --- without a daemon ------------------------------------------------------------------------ */

static enum exit_status store_prune(const struct place *p, const struct addr *host,
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
		writer_set_retention(w, p->config->retention_s, p->config->max_size_bytes);
		writer_prune(w);
	}
	do {
		client_pause();
		writer_stats(w, &now);
	} while (!now.last_error && !writer_is_pruned(w));
	writer_stats(w, &now);
	/* Keep the time when the daemon was last alive: at its next start, the daemon records a gap
	 * that begins at that time. */
	writer_stop(w, was_clean, alive_ms);
	if (!now.last_error)
		return result_say(p, extent, before.database_bytes, now.database_bytes);
	cli_error("prune: %s: %s", p->database, now.last_error_text);
	return CLI_FAILED;
}

static enum exit_status prune_here(const struct place *p, const struct addr *host,
				   const struct extent *extent)
{
	enum exit_status status = CLI_FAILED;
	struct store *st = NULL;
	struct error_lines errors;
	int err = error_lines_open(&errors);

	if (!err) {
		st = store_open(p->database, errors.stream);
		err = st ? 0 : -errno;
	}
	error_lines_close(&errors, p->database, err);
	if (st)
		status = store_prune(p, host, extent, st);
	store_close(st);
	return status;
}

/* --- by the daemon ------------------------------------------------------------------------- */

/* Send a command to the daemon. Return CLI_DONE and set *bytes to the size of the database and
 * *is_on to whether the daemon is still pruning. If the daemon does not answer, set *err to -errno
 * and return CLI_FAILED. Otherwise *err is 0. If the daemon refuses, print its message and return
 * CLI_FAILED. */
static enum exit_status daemon_ask(const struct place *p, const char *command, int64_t *bytes,
				   bool *is_on, int *err)
{
	enum exit_status status = CLI_DONE;
	struct answer a = {0};
	char *text = NULL;

	*err = client_ask(p->socket, command, &text);
	if (!*err)
		*err = answer_parse(&a, text);
	free(text);
	if (*err)
		return CLI_FAILED;
	if (a.error) {
		cli_error("prune: %s", a.error);
		status = CLI_FAILED;
	}
	*bytes = a.store.database_bytes;
	*is_on = a.store.is_pruning;
	answer_free(&a);
	return status;
}

static enum exit_status prune_there(const struct place *p, const struct extent *extent,
				    int64_t before)
{
	enum exit_status status = CLI_DONE;
	int64_t now = before;
	bool is_on = true;
	int err = 0;

	while (status == CLI_DONE && is_on) {
		client_pause();
		status = daemon_ask(p, "status", &now, &is_on, &err);
	}
	if (err)
		return client_explain(p->socket, err);
	return status == CLI_DONE ? result_say(p, extent, before, now) : status;
}

/* --- the command ---------------------------------------------------------------------------- */

static bool is_absent(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR;
}

static enum exit_status prune(const struct place *p, const struct addr *host, const char *command)
{
	struct extent extent = extent_read(p);
	enum exit_status status;
	int64_t bytes = 0;
	bool is_on;
	int err;

	status = daemon_ask(p, command, &bytes, &is_on, &err);
	if (status == CLI_DONE)
		return prune_there(p, &extent, bytes);
	if (is_absent(err) && p->config)
		return prune_here(p, host, &extent);
	return err ? client_explain(p->socket, err) : status;
}

static enum exit_status place_find(struct place *p, const struct invocation *in)
{
	p->socket = cli_socket(in);
	if (!p->socket)
		return CLI_FAILED;
	if (in->values[OPTION_SOCKET])
		return database_find(in, &p->database);
	p->config = cli_config(in);
	p->database = p->config ? strdup(p->config->database) : NULL;
	return p->database ? CLI_DONE : CLI_FAILED;
}

static void place_free(struct place *p)
{
	config_free(p->config);
	free(p->database);
	free(p->socket);
}

enum exit_status cmd_prune(const struct invocation *in)
{
	const char *text = in->values[OPTION_HOST];
	char command[64] = "prune";
	struct place place = {0};
	enum exit_status status;
	struct addr host;

	if (text && addr_parse(&host, text)) {
		cli_error("prune: --host \"%s\": expected an address such as 192.0.2.1 or "
			  "2001:db8::1",
			  text);
		return CLI_USAGE;
	}
	if (text)
		snprintf(command, sizeof(command), "forget %s", text);
	status = place_find(&place, in);
	if (status == CLI_DONE && !is_agreed(in, &place)) {
		cli_error("prune: nothing was deleted");
		status = CLI_FAILED;
	}
	if (status == CLI_DONE)
		status = prune(&place, text ? &host : NULL, command);
	place_free(&place);
	return status;
}
