/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - the tool's end of the control socket: sends a request and reads the answer. Does not
 * interpret answers.
 */
#ifndef WAYMARK_SRC_CLI_CLIENT_H
#define WAYMARK_SRC_CLI_CLIENT_H

#include "cli/cli.h"
#include "waymark/status/answer.h"

/* Ask the daemon at path one command. 0 and *answer (malloc'd, without the newline), or -errno:
 * -ENOENT or -ECONNREFUSED where no daemon answers, -EACCES, -ETIMEDOUT, ... */
int client_ask(const char *path, const char *command, char **answer);

/* The same, decoded: free a with answer_free. -ENOTSUP: the daemon refused. */
int client_answer(const char *path, const char *command, struct answer *a);

/* A moment between two questions. */
void client_pause(void);

/* Watches: calls fn for each line, and with NULL while none comes, until it returns other
 * than 0, which is returned; 0 where the daemon ends it. -errno as above. */
typedef int client_line_fn(void *data, const char *line);
int client_watch(const char *path, client_line_fn *fn, void *data);

/* Says why the daemon at path did not answer, and what to do; the exit status. */
enum exit_status client_explain(const char *path, int err);

#endif
