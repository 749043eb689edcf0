/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode.h - a row as text: TabSeparated for ClickHouse, JSON lines and CSV for files.
 * Every row begins with the router and the history that it comes from. Pure.
 */
#ifndef WAYMARK_SRC_EXPORT_ENCODE_H
#define WAYMARK_SRC_EXPORT_ENCODE_H

#include "export/body.h"
#include "waymark/store/feed.h"

/* Origin of rows. */
struct export_origin {
	const char *router;
	const char *history;
};

/* The last column, which tells the newest of several rows with one id. */
#define ENCODE_VERSION "row_version"

/* "router, history, id, started_ms, ...": the columns of encode_tsv. */
void encode_tsv_names(struct body *b, const struct feed_table *t);
void encode_tsv(struct body *b, const struct export_origin *o, const struct feed_table *t,
		const struct feed_row *row);

/* One object per row, with "table" first; times also as text. */
void encode_json(struct body *b, const struct export_origin *o, const struct feed_table *t,
		 const struct feed_row *row);

/* RFC 4180; a cell that a spreadsheet would execute gets a leading apostrophe. */
void encode_csv_names(struct body *b, const struct feed_table *t);
void encode_csv(struct body *b, const struct export_origin *o, const struct feed_table *t,
		const struct feed_row *row);

#endif
