/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cells.h - a listing whose command passes all columns of each row in order; the columns that
 * --columns names are printed, in its order.
 */
#ifndef WAYMARK_SRC_CLI_CELLS_H
#define WAYMARK_SRC_CLI_CELLS_H

#include "cli/cli.h"

struct cells;

/* CLI_DONE and *out; CLI_USAGE or CLI_FAILED with a message printed. columns must outlive
 * it. The order of rows is the command's, on a terminal, too. */
enum exit_status cells_open(struct cells **out, const struct invocation *in,
			    const struct column *columns, size_t n);

/* The next cell of the row; NULL text: unknown. */
void cells_text(struct cells *c, const char *text, enum paint paint);
void cells_number(struct cells *c, int64_t number, enum paint paint);
void cells_share(struct cells *c, double share);

enum exit_status cells_end(struct cells *c);

#endif
