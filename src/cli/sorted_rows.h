/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sorted_rows.h - collects the rows with the largest values of a column.
 */
#ifndef WAYMARK_SRC_CLI_SORTED_ROWS_H
#define WAYMARK_SRC_CLI_SORTED_ROWS_H

#include "cli/row_copy.h"

struct sorted_rows {
	const char *column;
	uint64_t limit; /* number of rows to keep; 0: all */
	struct row_copy rows;
};

/* Add a copy of the row, if it may be among the kept ones. Return 0 or -ENOMEM. */
int sorted_rows_add(struct sorted_rows *s, const struct value *values, size_t n);
/* Sort the kept rows: numbers descending, text ascending, unknown values last. */
void sorted_rows_finish(struct sorted_rows *s);

#endif
