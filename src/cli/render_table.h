/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_table.h - rows as aligned columns, no wider than the terminal.
 *
 * A table needs its widths before its first line, so it keeps its rows; longer listings continue
 * with the widths of the first rows, so that memory stays bounded, unless the order is reversed.
 */
#ifndef WAYMARK_SRC_CLI_RENDER_TABLE_H
#define WAYMARK_SRC_CLI_RENDER_TABLE_H

#include "cli/render.h"

struct table;

struct table *table_new(const struct render_style *style, const struct column *columns,
			size_t n_columns, FILE *out);
/* Copy text; NULL: unknown. The last cell ends the row. 0 or -ENOMEM. */
int table_add(struct table *t, const char *text, enum paint paint);
/* Between rows: prints what needs not be kept any longer. */
void table_flow_on(struct table *t);
/* Print the kept rows and free t. Return 0 or -errno of writing. */
int table_end(struct table *t);

#endif
