/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sql.h - the texts of the files in sql/, which build-aux/embed-sql embeds at build time.
 */
#ifndef WAYMARK_SRC_STORE_SQL_H
#define WAYMARK_SRC_STORE_SQL_H

struct sql_file {
	const char *name; /* "version-1.sql" */
	const char *text;
};
extern const struct sql_file sql_files[]; /* ends with a NULL name */

/* Return the text of the file with that name, which must exist. */
const char *sql_text(const char *name);

#endif
