/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.h - reads the configuration of a running daemon, as far as the daemon reports it, or the
 * configuration file.
 */
#ifndef WAYMARK_SRC_CLI_RUNNING_H
#define WAYMARK_SRC_CLI_RUNNING_H

#include "cli/cli.h"
#include "waymark/config/config.h"

/* Set *c, which the caller frees with config_free(). With --socket, *c is what the daemon reports:
 * its mode, mark mask, priorities, database, and for each uplink the name, interface, mark, table,
 * weight, tier and quota. Otherwise *c is the configuration file. Return CLI_DONE, or another
 * status after printing a message. */
enum exit_status running_config(const struct invocation *in, struct config **c);

#endif
