/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sorted_rows.h - sorts rows by a column and keeps the first ones: the rows with the
 * largest numbers, or the first in alphabetical order.
 */
#ifndef WAYMARK_SRC_CLI_SORTED_ROWS_H
#define WAYMARK_SRC_CLI_SORTED_ROWS_H

#include "cli/row_copy.h"

struct sorted_rows {
	const char *column;
	uint64_t limit; /* number of rows to keep; 0: all */
	struct row_copy rows;
};

/* Add a copy of the row. If there are many rows, drop those that cannot be among the first `limit`.
 * Return 0 or -ENOMEM. */
int sorted_rows_add(struct sorted_rows *s, const struct value *values, size_t n);
/* Sort the rows and keep the first `limit`: numbers descending, text ascending, unknown values
 * last. */
void sorted_rows_finish(struct sorted_rows *s);

#endif
