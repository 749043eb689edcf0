/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strings.h - lists of strings that end with NULL.
 */
#ifndef WAYMARK_SRC_ALERT_STRINGS_H
#define WAYMARK_SRC_ALERT_STRINGS_H

/* Copy a list. NULL if the list is NULL, or with errno. */
char **strings_copy(char *const *list);
void strings_free(char **list);

#endif
