/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell.h - makes text safe for terminals and shells, because names of interfaces, files and
 * processes can contain any character.
 */
#ifndef WAYMARK_BASE_SHELL_H
#define WAYMARK_BASE_SHELL_H

#include <stddef.h>

/* Copy the text `line` to buf and quote each of its words for a shell; single spaces separate the
 * words. Text that does not fit is cut off. Return buf. */
char *shell_line(char *buf, size_t size, const char *line);

/* Copy one word to buf and quote it for a shell; the word can contain spaces. Text that does not
 * fit is cut off. Return buf. */
char *shell_word(char *buf, size_t size, const char *word);

/* Copy the text to buf and replace each control character with \xHH. Text that does not fit is cut
 * off. Return buf. */
char *text_printable(char *buf, size_t size, const char *text);

#endif
