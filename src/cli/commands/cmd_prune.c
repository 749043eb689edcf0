/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_prune.c - `waymark prune`: retention and max-size now, by the daemon where it
 * runs, for it alone writes then; else here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/status/answer.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/error_lines.h"
#include "waymark/store/store.h"

static enum exit_status result_say(int64_t before, int64_t after)
{
	printf("pruned: %" PRId64 " KiB before, %" PRId64 " KiB now\n", before / 1024,
	       after / 1024);
	return CLI_DONE;
}

/* --- here --------------------------------------------------------------------------------- */

static enum exit_status store_prune(const struct config *c, struct store *st)
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
	writer_set_retention(w, c->retention_s, c->max_size_bytes);
	writer_prune(w);
	do {
		client_pause();
		writer_stats(w, &now);
	} while (!now.last_error && !writer_is_pruned(w));
	writer_stats(w, &now);
	/* The daemon was not alive in this: its absence stays a gap. */
	writer_stop(w, was_clean, alive_ms);
	if (!now.last_error)
		return result_say(before.database_bytes, now.database_bytes);
	cli_error("prune: %s: %s", c->database, now.last_error_text);
	return CLI_FAILED;
}

static enum exit_status prune_here(const struct config *c)
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
		status = store_prune(c, st);
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

static enum exit_status prune_there(const struct config *c, int64_t before)
{
	int64_t now = before;
	bool is_on = true;
	int err = 0;

	while (!err && is_on) {
		client_pause();
		err = daemon_ask(c, "status", &now, &is_on);
	}
	return err ? client_explain(c->control_socket, err) : result_say(before, now);
}

enum exit_status cmd_prune(const struct invocation *in)
{
	struct config *c = cli_config(in);
	enum exit_status status;
	int64_t bytes = 0;
	bool is_on;
	int err;

	if (!c)
		return CLI_FAILED;
	err = daemon_ask(c, "prune", &bytes, &is_on);
	if (!err)
		status = prune_there(c, bytes);
	else if (err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR)
		status = prune_here(c);
	else
		status = client_explain(c->control_socket, err);
	config_free(c);
	return status;
}
