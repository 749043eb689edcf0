/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kept.h - rows of the history that are kept to be looked at more than once.
 */
#ifndef WAYMARK_CLI_KEPT_H
#define WAYMARK_CLI_KEPT_H

#include "waymark/query.h"

struct kept_row {
	struct value *values;
	size_t n;
};

struct kept {
	struct kept_row *rows;
	size_t n;
};

/* A query_row_fn; data is a struct kept. */
int kept_add(void *data, const struct value *values, size_t n);
void kept_free(struct kept *k);

/* NULL: unknown, or no such column. */
const char *kept_text(const struct kept_row *row, const char *name);
/* other: where it is unknown. */
int64_t kept_number(const struct kept_row *row, const char *name, int64_t other);

#endif
