/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * row_copy.h - copies rows of the history, so that they can be read several times.
 */
#ifndef WAYMARK_SRC_CLI_ROW_COPY_H
#define WAYMARK_SRC_CLI_ROW_COPY_H

#include "waymark/store/query.h"

struct row_copy_row {
	struct value *values;
	size_t n;
};

struct row_copy {
	struct row_copy_row *rows;
	size_t n;
};

/* Append a copy of the row. A query_row_fn; data is a struct row_copy. */
int row_copy_add(void *data, const struct value *values, size_t n);
/* Keep the first n rows and free the others. */
void row_copy_truncate(struct row_copy *k, size_t n);
void row_copy_free(struct row_copy *k);

/* Return the text of a column; NULL if the row has no such column, or if its value is no text. */
const char *row_copy_text(const struct row_copy_row *row, const char *name);
/* Return the integer of a column; `other` if the row has no such column, or if its value is no
 * integer. */
int64_t row_copy_number(const struct row_copy_row *row, const char *name, int64_t other);

#endif
