/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema.h - prints the statements that create the tables in ClickHouse.
 */
#ifndef WAYMARK_SRC_EXPORT_SCHEMA_H
#define WAYMARK_SRC_EXPORT_SCHEMA_H

#include <stdio.h>

enum schema_dialect {
	SCHEMA_CURRENT, /* uses DateTime64, LowCardinality, IPv6, TTL */
	SCHEMA_18,	/* for version 18.16, which Debian has; uses none of these */
};

struct schema_options {
	const char *database;
	const char *cluster; /* NULL: a single server */
	enum schema_dialect dialect;
};

/* Return 0 if a name needs no quotes in DDL, else -EINVAL. */
int schema_name_check(const char *name);

void schema_print(FILE *out, const struct schema_options *o);

#endif
