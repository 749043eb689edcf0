/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_table.h - prints rows as a table with aligned columns that is no wider than the terminal.
 *
 * A table keeps its first rows in memory until it has measured the widths of its columns.
 * Later rows are printed at once with the same widths, so that memory stays bounded. A
 * table in reverse order keeps all rows.
 */
#ifndef WAYMARK_SRC_CLI_RENDER_TABLE_H
#define WAYMARK_SRC_CLI_RENDER_TABLE_H

#include "cli/render.h"

struct table;

/* Return NULL with errno on failure. `columns` must outlive the table. */
struct table *table_new(const struct render_style *style, const struct column *columns,
			size_t n_columns, FILE *out);
/* Add a copy of `text` as the next cell; NULL: unknown. The cell of the last column ends the
 * row. Return 0 or -ENOMEM. */
int table_add(struct table *t, const char *text, enum paint paint);
/* Print the rows that need not stay in memory. Call this after each row. */
void table_flow_on(struct table *t);
/* Print the rows that are still in memory, and free t. Return 0, or -errno if writing failed. */
int table_end(struct table *t);

#endif
