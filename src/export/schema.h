/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema.h - the tables in ClickHouse, as DDL.
 */
#ifndef WAYMARK_SRC_EXPORT_SCHEMA_H
#define WAYMARK_SRC_EXPORT_SCHEMA_H

#include <stdio.h>

enum schema_dialect {
	SCHEMA_CURRENT, /* DateTime64, LowCardinality, IPv6, TTL */
	SCHEMA_18,	/* 18.16, as Debian has it: none of them */
};

struct schema_options {
	const char *database;
	const char *cluster; /* NULL: one server */
	enum schema_dialect dialect;
};

/* Return whether a name can stand in DDL without quotes. */
int schema_name_check(const char *name);

void schema_print(FILE *out, const struct schema_options *o);

#endif
