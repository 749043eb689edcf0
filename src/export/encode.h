/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode.h - encodes a row as text: TabSeparated for ClickHouse, JSON lines and CSV for files.
 * Every row begins with the router and the history that it comes from. Pure.
 */
#ifndef WAYMARK_SRC_EXPORT_ENCODE_H
#define WAYMARK_SRC_EXPORT_ENCODE_H

#include "export/body.h"
#include "waymark/store/feed.h"

/* Where rows come from. */
struct export_origin {
	const char *router;
	const char *history;
};

/* Name of the last column, which contains the version of a row. Of several rows with the same id,
 * the one with the highest version is the newest. */
#define ENCODE_VERSION "row_version"

/* Put the names of the columns of encode_tsv(): "router, history, id, started_ms, ...". */
void encode_tsv_names(struct body *b, const struct feed_table *t);
void encode_tsv(struct body *b, const struct export_origin *o, const struct feed_table *t,
		const struct feed_row *row);

/* Put a row as a JSON object. Its first member is "table". Each time is included twice: as text,
 * and as a number (NAME_ms). */
void encode_json(struct body *b, const struct export_origin *o, const struct feed_table *t,
		 const struct feed_row *row);

/* Put the names of the columns, or a row, as CSV (RFC 4180). A text that a spreadsheet would take
 * for a formula gets a leading apostrophe. */
void encode_csv_names(struct body *b, const struct feed_table *t);
void encode_csv(struct body *b, const struct export_origin *o, const struct feed_table *t,
		const struct feed_row *row);

#endif
