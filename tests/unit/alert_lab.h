/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alert_lab.h - a folder with programs, and an example alert, for the tests of alerts.
 */
#ifndef WAYMARK_TESTS_UNIT_ALERT_LAB_H
#define WAYMARK_TESTS_UNIT_ALERT_LAB_H

#include <jansson.h>

#include "waymark/alert/alert.h"

#define T0	 1784110830456LL /* 2026-07-15T10:20:30.456Z */
#define PATIENCE 1000		 /* in units of 10 ms */

extern char folder[]; /* made, emptied and removed by these fixtures: */
int folder_setup(void **state);
int folder_clear(void **state);
int folder_teardown(void **state);

/* Return a path in the folder; the latest four are valid. */
const char *path_in(const char *name);
/* Write a shell program with this body; it runs in the folder. */
void program_write(const char *name, const char *body);
/* Return a file's text, valid until the next call, or NULL. */
char *file_text(const char *name);
unsigned lines_of(const char *text);

void nap(void); /* 10 ms */
/* Tick at this time until no program runs. */
void children_wait(struct alerter *a, int64_t now_ms);

/* Return the example alert. */
struct alert mismatch(void);
struct alerter *alerter_with(const char *exec, const char *json, uint32_t interval_s);
struct alerter_stats stats_of(const struct alerter *a);

/* Assert a field of an alert's JSON; NULL: the value is null. */
void assert_text(const json_t *object, const char *key, const char *expected);
void assert_integer(const json_t *object, const char *key, json_int_t expected);

#endif
