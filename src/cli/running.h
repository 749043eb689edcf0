/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.h - reads the part of the configuration that a running daemon reports, or the
 * configuration file.
 */
#ifndef WAYMARK_SRC_CLI_RUNNING_H
#define WAYMARK_SRC_CLI_RUNNING_H

#include "cli/cli.h"
#include "waymark/config/config.h"

/* Set *c, which the caller frees with config_free(). If --socket is given, *c contains what the
 * daemon reports: the mode, mark mask, priorities and database, and for each uplink the name,
 * interface, mark, table, weight, tier and quota. Otherwise *c contains the configuration file.
 * Return CLI_DONE. On failure print a message and return another status. */
enum exit_status running_config(const struct invocation *in, struct config **c);

#endif
