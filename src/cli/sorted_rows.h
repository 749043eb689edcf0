/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sorted_rows.h - sorts rows by a column, and keeps the first rows: those with the largest numbers,
 * or the first in alphabetical order.
 */
#ifndef WAYMARK_SRC_CLI_SORTED_ROWS_H
#define WAYMARK_SRC_CLI_SORTED_ROWS_H

#include "cli/row_copy.h"

struct sorted_rows {
	const char *column; /* the name of the column to sort by */
	uint64_t limit;	    /* number of rows to keep; 0: all */
	struct row_copy rows;
};

/* Add a copy of the row. This can drop rows that are not among the first s->limit rows. Return 0
 * or -ENOMEM. */
int sorted_rows_add(struct sorted_rows *s, const struct value *values, size_t n);
/* Sort the rows, and keep the first s->limit rows. Numbers are in descending order, text is in
 * ascending order, and unknown values are last. */
void sorted_rows_finish(struct sorted_rows *s);

#endif
