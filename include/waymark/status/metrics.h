/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics.h - the daemon's counters in Prometheus' text format.
 */
#ifndef WAYMARK_STATUS_METRICS_H
#define WAYMARK_STATUS_METRICS_H

#include <stdio.h>

#include "waymark/status/answer.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* a: the answer to `status`. NULL: there is no daemon, and the text says so. */
void metrics_print(FILE *out, const struct answer *a);

#endif
