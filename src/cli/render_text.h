/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_text.h - text from the network and from other people's names, made safe for
 * a terminal, JSON and spreadsheets.
 */
#ifndef WAYMARK_SRC_CLI_RENDER_TEXT_H
#define WAYMARK_SRC_CLI_RENDER_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Print text for a terminal, at most max columns of it ("…" is the last where it is
 * cut), control characters as "?"; out NULL: only measure. Returns the columns. */
size_t text_put_terminal(FILE *out, const char *text, size_t max);

/* Print a JSON string of length bytes; invalid UTF-8 becomes U+FFFD. */
void text_put_json(FILE *out, const char *text, size_t length);

/* Print a CSV cell (RFC 4180). A cell that a spreadsheet would take for a formula gets an
 * apostrophe in front. */
void text_put_csv(FILE *out, const char *text);

#endif
