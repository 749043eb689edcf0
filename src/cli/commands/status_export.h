/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_export.h - the part of `waymark status` about waymark-export.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_STATUS_EXPORT_H
#define WAYMARK_SRC_CLI_COMMANDS_STATUS_EXPORT_H

#include "cli/cli.h"

/* Print whether waymark-export runs and, for each target, how many rows are not acknowledged. Print
 * nothing if the configuration has no target, or if --socket is given: then no configuration is
 * read. */
void status_export_print(const struct invocation *in);

#endif
