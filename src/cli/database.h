/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database.h - where the history is.
 */
#ifndef WAYMARK_SRC_CLI_DATABASE_H
#define WAYMARK_SRC_CLI_DATABASE_H

#include "cli/cli.h"

/* The history's path, malloc'd: --database, with --socket the daemon's answer, or the
 * configuration's. CLI_DONE, or another status with a message printed. */
enum exit_status database_find(const struct invocation *in, char **path);

#endif
