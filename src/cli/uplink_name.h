/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_name.h - names of uplinks and interfaces that may be mistyped: an error with the
 * nearest one, in place of an empty listing or a refusal.
 */
#ifndef WAYMARK_SRC_CLI_UPLINK_NAME_H
#define WAYMARK_SRC_CLI_UPLINK_NAME_H

#include "cli/cli.h"
#include "waymark/store/query.h"

/* CLI_DONE if the daemon at path has an uplink of that name; else with a message. */
enum exit_status uplink_name_check(const struct invocation *in, const char *path, const char *name);

/* The same of --uplink, --ingress and --egress, which the history has to know. */
enum exit_status uplink_name_check_history(const struct invocation *in, struct query *q);

#endif
