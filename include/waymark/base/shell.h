/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell.h - makes text safe for terminals and shells: names of interfaces, files and
 * processes may contain any character.
 */
#ifndef WAYMARK_BASE_SHELL_H
#define WAYMARK_BASE_SHELL_H

#include <stddef.h>

/* Quote each word of line for a shell; single spaces separate the words. Return buf; text that does
 * not fit is cut off. */
char *shell_line(char *buf, size_t size, const char *line);

/* Quote one word for a shell; the word may contain spaces. Return buf, as shell_line() does. */
char *shell_word(char *buf, size_t size, const char *word);

/* Replace each control character with \xHH. Return buf; text that does not fit is cut off. */
char *text_printable(char *buf, size_t size, const char *text);

#endif
