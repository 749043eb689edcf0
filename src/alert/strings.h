/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strings.h - lists of strings that end with NULL.
 */
#ifndef WAYMARK_SRC_ALERT_STRINGS_H
#define WAYMARK_SRC_ALERT_STRINGS_H

/* Return a copy of a list. Return NULL if `list` is NULL or, with errno, if memory is short. */
char **strings_copy(char *const *list);
void strings_free(char **list);

#endif
