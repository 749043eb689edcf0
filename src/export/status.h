/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - what the state file and the history say of the exporter.
 */
#ifndef WAYMARK_SRC_EXPORT_STATUS_H
#define WAYMARK_SRC_EXPORT_STATUS_H

#include <stdio.h>

#include "waymark/config/config.h"

enum status_form { STATUS_TEXT, STATUS_JSON, STATUS_METRICS };

/* 0, -ENOENT: nothing has been shipped yet, or -errno; a line on stderr says which. */
int status_print(FILE *out, const struct config *c, enum status_form form);

#endif
