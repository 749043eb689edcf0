/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shipper.h - ships the history to one target, table by table.
 *
 * A batch is read in short transactions and sent until it is acknowledged. After that, the position
 * advances. If rows were pruned before they were shipped, a gap that names these rows is sent, and
 * the position passes them only after the target has acknowledged the gap.
 */
#ifndef WAYMARK_SRC_EXPORT_SHIPPER_H
#define WAYMARK_SRC_EXPORT_SHIPPER_H

#include "export/exporter.h"

struct shipper;

/* Return a new shipper. On failure return NULL with errno and print one line to errors. */
struct shipper *shipper_new(struct exporter *x, const struct export_target *target, FILE *errors);
void shipper_free(struct shipper *s);

/* Ship until the exporter stops or, if is_once is set, until no row is pending. Return 0 or -errno.
 * If is_once is set, -EINTR means that the exporter stopped before all rows were acknowledged. */
int shipper_run(struct shipper *s);

#endif
