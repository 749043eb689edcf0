/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_lab.h - helpers shared by the tests of the history: a folder per test, records as on a
 * router, and plain SQL on the file as any program would run it.
 */
#ifndef STORE_LAB_H
#define STORE_LAB_H

#include <sqlite3.h>
#include <stdint.h>

#include "waymark/store/store.h"

/* 2026-03-01T12:00:00.000Z */
#define LAB_NOON 1772366400000LL

/* cmocka's setup and teardown: *state is the folder, which is removed after the test. */
int store_lab_setup(void **state);
int store_lab_teardown(void **state);

/* FOLDER/NAME; in one of several static buffers, valid for some calls. */
const char *store_lab_path(void *folder, const char *name);

/* Open and start a writer, or fail the test. */
struct store *store_lab_open(const char *path);
struct writer *store_lab_start(struct store *st);
/* Stop cleanly and close. */
void store_lab_stop(struct writer *w, struct store *st);

/* wan1: slot 0, eth1, mark 2; wan2: slot 1, eth2, mark 3; valid from time_ms. */
void store_lab_push_uplinks(struct writer *w, int64_t time_ms);
void store_lab_push(struct writer *w, const struct record *r);

/* A live TCP flow of 192.168.1.10 that leaves by wan1, masqueraded. */
struct record store_lab_flow(int64_t id);
/* The same flow, ended 1.5 s later with counters 10/1000 and 12/9000. */
void store_lab_end(struct record *r);

void store_lab_addr(struct addr *a, const char *text);

/* Return the rows of a query, one per line, columns separated by '|', NULL as '-'; free() it.
 * Fails the test on an error. */
char *store_lab_sql(const char *path, const char *sql);
int64_t store_lab_number(const char *path, const char *sql);
/* Assert that sql returns exactly text. */
void store_lab_expect(const char *path, const char *sql, const char *text);
/* Run sql on a connection that may write. */
void store_lab_execute(const char *path, const char *sql);

/* Return another connection that has run sql and stays open; sqlite3_close() it. */
sqlite3 *store_lab_other(const char *path, const char *sql);

/* Return a checksum of a file; 0: the file is missing. */
uint64_t store_lab_fingerprint(const char *path);

/* Wait up to 30 s until sql returns at least n. */
void store_lab_wait(const char *path, const char *sql, int64_t n);

/* Wait up to 10 s until the writer's last error has this code; 0: none. */
void store_lab_wait_error(struct writer *w, int code);
void store_lab_sleep_ms(long ms);

#endif
