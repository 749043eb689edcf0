/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database.h - finds the path of the history.
 */
#ifndef WAYMARK_SRC_CLI_DATABASE_H
#define WAYMARK_SRC_CLI_DATABASE_H

#include "cli/cli.h"

/* Set *path, which the caller frees, to the path of the history: the value of --database, else the
 * path that the daemon uses if --socket is given, else the path in the configuration. Return
 * CLI_DONE. On failure print a message and return another status. */
enum exit_status database_find(const struct invocation *in, char **path);

#endif
