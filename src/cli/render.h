/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render.h - renders rows of named, typed columns as a table, JSON or CSV. A command adds
 * its cells without knowing the format.
 *
 * Must not know flows or uplinks.
 */
#ifndef WAYMARK_SRC_CLI_RENDER_H
#define WAYMARK_SRC_CLI_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum render_format {
	RENDER_TABLE, /* aligned columns for users */
	RENDER_JSON,  /* an array of objects */
	RENDER_CSV,   /* RFC 4180, but lines end with a line feed only */
};

enum column_type {
	COLUMN_TEXT,
	COLUMN_NUMBER, /* right-aligned in tables, a number in JSON */
	COLUMN_SIZE,   /* an integer number of bytes; "1.2M" in tables */
	COLUMN_RATE,   /* an integer number of bits per second; "1.2 Mbit/s" in tables */
	COLUMN_LIST,   /* comma-separated text: an array of strings in JSON */
	COLUMN_TIME,   /* ISO 8601 in UTC; local time in tables */
};

struct column {
	const char *name; /* key in JSON, header in CSV and tables */
	enum column_type type;
	bool is_detail; /* shown only in wide tables */
	uint8_t rank;	/* if a table is too wide, columns are omitted in descending order of rank;
			 * 0: never omitted */
	const char *unknown; /* shown in tables for an unknown value; NULL: "-", or no column if all
			      * values are unknown */
	/* The cell is an operand of another command, such as the id that `explain` takes. If
	 * text of other columns must be cut, this column is shown whatever its rank is, because cut
	 * text cannot be an operand. */
	bool is_handle;
	/* the cell is 'tcp A:P > B:Q'; if the table is too wide, P is omitted before text is cut */
	bool is_flow;
};

/* The rating of a cell, shown as a colour if the terminal has colours. */
enum paint { PAINT_NONE, PAINT_GOOD, PAINT_DOUBT, PAINT_BAD };

struct render_style {
	enum render_format format;
	bool is_wide; /* all columns, times in full, exact numbers */
	bool has_colour;
	bool is_last_first; /* print the rows of a table in reverse order */
	bool keeps_empty;   /* do not omit columns without values */
	unsigned width;	    /* of the terminal, in characters; 0: no limit */
	unsigned height; /* of the terminal, in lines; longer tables use the pager; 0: no pager */
	int64_t now_ms;	 /* tables show times on the day of now_ms without a date; 0: always with
			     * the date */
};

struct render;

/* Start a listing. columns must outlive the listing. Return NULL with errno on failure. */
struct render *render_new(const struct render_style *style, const struct column *columns,
			  size_t n_columns, FILE *out);

/* Add the next cell of the row, in the order of the columns; the last cell ends the row. NULL is
 * shown as unknown. */
void render_text(struct render *r, const char *text, enum paint paint);
void render_number(struct render *r, int64_t number, enum paint paint);
/* Add a share from 0 to 1 to a column of numbers. The share is rounded down to four decimal places,
 * so that only a share of 1 is shown as 1. */
void render_share(struct render *r, double share, enum paint paint);
/* Add a number with three decimal places. */
void render_real(struct render *r, double number, enum paint paint);
void render_unknown(struct render *r);

/* End the listing and free r. Return 0, or -errno of the first failure: -ENOMEM, or the error of
 * writing to out. */
int render_end(struct render *r);

#endif
