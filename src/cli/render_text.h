/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_text.h - makes text from the network and from other programs safe for a terminal,
 * JSON and spreadsheets.
 */
#ifndef WAYMARK_SRC_CLI_RENDER_TEXT_H
#define WAYMARK_SRC_CLI_RENDER_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Print text for a terminal, in at most `max` columns. Control characters become "?". If text is
 * cut, the last column is "…". If out is NULL, print nothing. Return the number of columns. */
size_t text_put_terminal(FILE *out, const char *text, size_t max);

/* Print the first `length` bytes of text as a JSON string; invalid UTF-8 becomes U+FFFD. */
void text_put_json(FILE *out, const char *text, size_t length);

/* Print a CSV cell (RFC 4180). A cell that a spreadsheet would interpret as a formula gets a
 * leading apostrophe. */
void text_put_csv(FILE *out, const char *text);

#endif
