/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell.h - text for terminals and shells: interface names, file names and names of
 * processes may hold any character.
 */
#ifndef WAYMARK_BASE_SHELL_H
#define WAYMARK_BASE_SHELL_H

#include <stddef.h>

/* Quote each word of a line of words, separated by single spaces, so that a shell takes
 * it as it is. Return buf, cut where there is no room. */
char *shell_line(char *buf, size_t size, const char *line);

/* Quote one word, which may hold spaces, like shell_line. */
char *shell_word(char *buf, size_t size, const char *word);

/* Replace each control character by \xHH. Return buf, cut where there is no room. */
char *text_printable(char *buf, size_t size, const char *text);

#endif
