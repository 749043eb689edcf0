/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - prints what the state file and the history say about the exporter.
 */
#ifndef WAYMARK_SRC_EXPORT_STATUS_H
#define WAYMARK_SRC_EXPORT_STATUS_H

#include <stdio.h>

#include "waymark/config/config.h"

enum status_form { STATUS_TEXT, STATUS_JSON, STATUS_METRICS };

/* Print the status. Return 0, or -errno with a line on stderr. */
int status_print(FILE *out, const struct config *c, enum status_form form);

#endif
