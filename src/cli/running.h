/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.h - the configuration as far as a running daemon says it.
 */
#ifndef WAYMARK_SRC_CLI_RUNNING_H
#define WAYMARK_SRC_CLI_RUNNING_H

#include "cli/cli.h"
#include "waymark/config/config.h"

/* With --socket what the daemon says: its mode, mark mask, priorities, database, and of each
 * uplink the name, interface, mark, table, weight, tier and quota; else the configuration.
 * CLI_DONE, or another status with a message printed. Free it with config_free. */
enum exit_status running_config(const struct invocation *in, struct config **c);

#endif
