/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render.h - rows of named, typed columns as a table, JSON or CSV. A command
 * writes its rows once and does not know which of the three comes out.
 *
 * Knows nothing of flows or uplinks.
 */
#ifndef WAYMARK_SRC_CLI_RENDER_H
#define WAYMARK_SRC_CLI_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum render_format {
	RENDER_TABLE, /* aligned columns for people */
	RENDER_JSON,  /* an array of objects */
	RENDER_CSV,   /* RFC 4180, but for lines that end as Unix lines do */
};

enum column_type {
	COLUMN_TEXT,
	COLUMN_NUMBER, /* an integer: right in tables, a number in JSON */
	COLUMN_SIZE,   /* likewise; bytes, "1.2M" in tables */
	COLUMN_RATE,   /* likewise; bits per second, "1.2 Mbit/s" in tables */
	COLUMN_LIST,   /* comma-separated text: an array of strings in JSON */
	COLUMN_TIME,   /* ISO 8601 UTC; local in tables */
};

struct column {
	const char *name; /* key in JSON, header in CSV and tables */
	enum column_type type;
	bool is_detail; /* shown only in wide tables */
	uint8_t rank;	/* in a table too wide for the terminal the highest goes first; 0: stays */
	/* An operand for another command: dropped only if no text then has to be cut. */
	bool is_handle;
	bool is_flow; /* 'tcp A:P > B:Q': where it is too wide, A's port goes first */
};

/* Rating of a cell, shown where colour is available. */
enum paint { PAINT_NONE, PAINT_GOOD, PAINT_DOUBT, PAINT_BAD };

struct render_style {
	enum render_format format;
	bool is_wide; /* every column, whole times, exact numbers */
	bool has_colour;
	bool is_last_first; /* a table's rows come out in the opposite order */
	bool keeps_empty;   /* columns that have no value stay */
	unsigned width;	    /* of the terminal; 0: no limit */
	unsigned height;    /* more lines go to the pager; 0: no pager */
	int64_t now_ms;	    /* times of this day are shown without their date; 0: all with */
};

struct render;

/* columns must outlive it. NULL with errno. */
struct render *render_new(const struct render_style *style, const struct column *columns,
			  size_t n_columns, FILE *out);

/* The next cell of the row, in the order of the columns; the last one ends the
 * row. NULL text is an unknown value. */
void render_text(struct render *r, const char *text, enum paint paint);
void render_number(struct render *r, int64_t number, enum paint paint);
/* A share between 0 and 1, in a column of numbers: cut off after four digits, so that only a
 * whole is 1. */
void render_share(struct render *r, double share, enum paint paint);
/* Print a number that is not a share, with three decimal places. */
void render_real(struct render *r, double number, enum paint paint);
void render_unknown(struct render *r);

/* End the listing and free r. Return 0, or -errno of the first thing that failed: -ENOMEM, or the
 * error of writing to out. */
int render_end(struct render *r);

#endif
