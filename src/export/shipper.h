/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shipper.h - ships the history to one target, table by table.
 *
 * A batch is read in short transactions, sent until it is acknowledged, and only then
 * does the position move. Rows that were pruned before they were shipped are named in a
 * gap, which is acknowledged before the position passes them.
 */
#ifndef WAYMARK_SRC_EXPORT_SHIPPER_H
#define WAYMARK_SRC_EXPORT_SHIPPER_H

#include "export/exporter.h"

struct shipper;

/* NULL with errno; one line is printed to errors. */
struct shipper *shipper_new(struct exporter *x, const struct export_target *target, FILE *errors);
void shipper_free(struct shipper *s);

/* Ship until the exporter stops or, once, until nothing is pending. 0, -EINTR: stopped
 * before everything was acknowledged, or -errno. */
int shipper_run(struct shipper *s);

#endif
