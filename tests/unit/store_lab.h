/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_lab.h - what the tests of the history share: a folder for a test, records
 * as a router makes them, and plain SQL on the file as any program would run it.
 */
#ifndef STORE_LAB_H
#define STORE_LAB_H

#include <sqlite3.h>
#include <stdint.h>

#include "waymark/store/store.h"

/* 2026-03-01T12:00:00.000Z */
#define LAB_NOON 1772366400000LL

/* cmocka's setup and teardown: *state is the folder. Absent after the test. */
int store_lab_setup(void **state);
int store_lab_teardown(void **state);

/* FOLDER/NAME; in a static buffer of several, good for some calls. */
const char *store_lab_path(void *folder, const char *name);

/* Opens and starts, or fails the test. */
struct store *store_lab_open(const char *path);
struct writer *store_lab_start(struct store *st);
/* Stops cleanly and closes. */
void store_lab_stop(struct writer *w, struct store *st);

/* wan1: slot 0, eth1, mark 2; wan2: slot 1, eth2, mark 3; valid from time_ms. */
void store_lab_push_uplinks(struct writer *w, int64_t time_ms);
void store_lab_push(struct writer *w, const struct record *r);

/* A TCP flow of 192.168.1.10 that wan1 takes and masquerades, live. */
struct record store_lab_flow(int64_t id);
/* ... and ended 1.5 s later with counters 10/1000 and 12/9000. */
void store_lab_end(struct record *r);

void store_lab_addr(struct addr *a, const char *text);

/* Every row a line, columns separated by '|', NULL as '-'. Fails the test on an
 * error. free() it. */
char *store_lab_sql(const char *path, const char *sql);
int64_t store_lab_number(const char *path, const char *sql);
/* Asserts that sql answers just text. */
void store_lab_expect(const char *path, const char *sql, const char *text);
/* Runs sql on a connection that writes. */
void store_lab_execute(const char *path, const char *sql);

/* Another connection that has run sql and stays; sqlite3_close() it. */
sqlite3 *store_lab_other(const char *path, const char *sql);

/* A number that changes with every byte of a file; 0: there is none. */
uint64_t store_lab_fingerprint(const char *path);

/* Waits up to 30 s for sql to answer at least n. */
void store_lab_wait(const char *path, const char *sql, int64_t n);

/* Waits up to 10 s for the writer's last error to be of a kind; 0: none. */
void store_lab_wait_error(struct writer *w, int code);
void store_lab_sleep_ms(long ms);

#endif
