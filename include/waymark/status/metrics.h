/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics.h - the daemon's counters in Prometheus' text format.
 */
#ifndef WAYMARK_STATUS_METRICS_H
#define WAYMARK_STATUS_METRICS_H

#include <stdio.h>

#include "waymark/status/answer.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Print the metrics of the answer to `status`. If the answer is NULL (no daemon answered), print
 * only waymark_up 0. */
void metrics_print(FILE *out, const struct answer *a);

#endif
