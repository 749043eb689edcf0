/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cells.h - prints a listing. The command passes the cells of each row one by one, in the order of
 * the columns. If --columns is given, only the columns in its value are printed, in the order of
 * this value.
 */
#ifndef WAYMARK_SRC_CLI_CELLS_H
#define WAYMARK_SRC_CLI_CELLS_H

#include "cli/cli.h"

struct cells;

/* Start a listing on standard output. Return CLI_DONE and set *out, or return CLI_USAGE or
 * CLI_FAILED after printing a message. columns must outlive *out. Rows are printed in the order in
 * which the command adds them. On a terminal, other listings print the first row last; this one
 * does not. */
enum exit_status cells_open(struct cells **out, const struct invocation *in,
			    const struct column *columns, size_t n);

/* Add the next cell of the row. A text of NULL means that the value is unknown. */
void cells_text(struct cells *c, const char *text, enum paint paint);
void cells_number(struct cells *c, int64_t number, enum paint paint);
void cells_share(struct cells *c, double share);

enum exit_status cells_end(struct cells *c);

#endif
