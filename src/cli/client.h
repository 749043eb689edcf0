/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - sends requests to waymarkd's control socket and reads the answers.
 */
#ifndef WAYMARK_SRC_CLI_CLIENT_H
#define WAYMARK_SRC_CLI_CLIENT_H

#include "cli/cli.h"
#include "waymark/status/answer.h"

/* Send one command to the daemon at path. Return 0 and set *answer to the answer without its
 * newline; the caller frees *answer. Return -errno on failure: -ENOENT or -ECONNREFUSED if no
 * daemon answers, -EACCES, -ETIMEDOUT, ... */
int client_ask(const char *path, const char *command, char **answer);

/* Send one command as client_ask() does, and decode the answer. The caller frees *a with
 * answer_free(). Return 0 or -errno. -ENOTSUP: the daemon refused the command. */
int client_answer(const char *path, const char *command, struct answer *a);

/* Sleep briefly. Call this before sending a command again. */
void client_pause(void);

/* Subscribe to the daemon's events. Call fn with each line. Whenever no line has arrived for half a
 * second, call fn with NULL. If fn returns a value other than 0, stop and return this value. Return
 * 0 if the daemon ends the connection, or -errno as client_ask() does. */
typedef int client_line_fn(void *data, const char *line);
int client_watch(const char *path, client_line_fn *fn, void *data);

/* Print why the daemon at path did not answer, and what to do. err is the -errno that a function
 * above returned. Return the exit status. */
enum exit_status client_explain(const char *path, int err);

#endif
