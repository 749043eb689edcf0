/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_name.h - checks the names of uplinks and interfaces that the user typed. An
 * unknown name is an error that suggests the most similar name.
 */
#ifndef WAYMARK_SRC_CLI_UPLINK_NAME_H
#define WAYMARK_SRC_CLI_UPLINK_NAME_H

#include "cli/cli.h"
#include "waymark/store/query.h"

/* Return CLI_DONE if the daemon at path has an uplink of this name. Otherwise print a message and
 * return another status. */
enum exit_status uplink_name_check(const struct invocation *in, const char *path, const char *name);

/* Check the values of --uplink, --ingress and --egress in the same way, against the names in the
 * history. */
enum exit_status uplink_name_check_history(const struct invocation *in, struct query *q);

#endif
