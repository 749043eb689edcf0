/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_lab.c - helpers shared by the tests of the history.
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_lab.h"

int store_lab_setup(void **state)
{
	const char *base = getenv("TMPDIR");
	char *folder;

	if (asprintf(&folder, "%s/waymark-test-XXXXXX", base ? base : "/tmp") < 0)
		return -1;
	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

static int entry_remove(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

int store_lab_teardown(void **state)
{
	nftw(*state, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

const char *store_lab_path(void *folder, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", (const char *)folder, name);
	return path;
}

struct store *store_lab_open(const char *path)
{
	struct store *st = store_open(path, stderr);

	assert_non_null(st);
	return st;
}

struct writer *store_lab_start(struct store *st)
{
	struct writer *w = writer_start(st, 65536, 100);

	assert_non_null(w);
	return w;
}

void store_lab_stop(struct writer *w, struct store *st)
{
	writer_stop(w, true, LAB_NOON);
	store_close(st);
}

void store_lab_push(struct writer *w, const struct record *r)
{
	while (writer_push(w, r) < 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void store_lab_push_uplinks(struct writer *w, int64_t time_ms)
{
	struct record r = {.type = RECORD_UPLINKS, .uplinks = {.time_ms = time_ms, .n = 2}};

	r.uplinks.uplinks = calloc(2, sizeof(struct uplink_record));
	assert_non_null(r.uplinks.uplinks);
	r.uplinks.uplinks[0] =
		(struct uplink_record){.slot = 0, .name = "wan1", .ifname = "eth1", .mark = 2};
	r.uplinks.uplinks[1] =
		(struct uplink_record){.slot = 1, .name = "wan2", .ifname = "eth2", .mark = 3};
	store_lab_push(w, &r);
}

void store_lab_addr(struct addr *a, const char *text)
{
	assert_int_equal(addr_parse(a, text), 0);
}

struct record store_lab_flow(int64_t id)
{
	struct record r;
	struct flow_record *f = &r.flow;

	memset(&r, 0, sizeof(r));
	r.type = RECORD_FLOW;
	f->id = id;
	f->started_ms = LAB_NOON + id;
	f->proto = IPPROTO_TCP;
	f->ct_id = 0xf0000000u + (uint32_t)id;
	store_lab_addr(&f->tuple[0].src, "192.168.1.10");
	store_lab_addr(&f->tuple[0].dst, "198.51.100.7");
	f->tuple[0].sport = 40000;
	f->tuple[0].dport = 443;
	f->tuple[1].src = f->tuple[0].dst;
	store_lab_addr(&f->tuple[1].dst, "203.0.113.2");
	f->tuple[1].sport = 443;
	f->tuple[1].dport = 40000;
	f->mark = 2;
	f->uplink = 0;
	f->ingress = SLOT_NONE;
	f->egress[0] = 1;
	f->verdict = VERDICT_OK;
	return r;
}

void store_lab_end(struct record *r)
{
	struct flow_record *f = &r->flow;

	f->state = FLOW_ENDED;
	f->ended_ms = f->started_ms + 1500;
	f->has_counters = true;
	f->packets[0] = 10;
	f->packets[1] = 12;
	f->bytes[0] = 1000;
	f->bytes[1] = 9000;
}

static sqlite3 *database_open(const char *path, int flags)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
		fail_msg("%s: %s", path, sqlite3_errmsg(db));
	sqlite3_busy_timeout(db, 10000);
	return db;
}

static void row_append(FILE *out, sqlite3_stmt *stmt)
{
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		const char *text = (const char *)sqlite3_column_text(stmt, i);

		fprintf(out, "%s%s", i ? "|" : "", text ? text : "-");
	}
}

char *store_lab_sql(const char *path, const char *sql)
{
	sqlite3 *db = database_open(path, SQLITE_OPEN_READONLY);
	sqlite3_stmt *stmt = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc, rows = 0;

	assert_non_null(out);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (rows++)
			fputc('\n', out);
		row_append(out, stmt);
	}
	if (rc != SQLITE_DONE)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	fclose(out);
	return text;
}

int64_t store_lab_number(const char *path, const char *sql)
{
	char *text = store_lab_sql(path, sql);
	int64_t number = strtoll(text, NULL, 10);

	free(text);
	return number;
}

void store_lab_expect(const char *path, const char *sql, const char *text)
{
	char *got = store_lab_sql(path, sql);

	if (strcmp(got, text))
		fail_msg("%s\n  answers %s\n  not     %s", sql, got, text);
	free(got);
}

void store_lab_execute(const char *path, const char *sql)
{
	sqlite3 *db = database_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(db);
}

uint64_t store_lab_fingerprint(const char *path)
{
	uint64_t hash = 14695981039346656037u;
	FILE *f = fopen(path, "rb");
	int c;

	if (!f)
		return 0;
	while ((c = getc(f)) != EOF)
		hash = (hash ^ (uint64_t)c) * 1099511628211u;
	fclose(f);
	return hash;
}

void store_lab_wait(const char *path, const char *sql, int64_t n)
{
	for (int i = 0; i < 3000; i++) {
		if (access(path, F_OK) == 0 && store_lab_number(path, sql) >= n)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	fail_msg("%s has not come to %lld", sql, (long long)n);
}

void store_lab_sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

void store_lab_wait_error(struct writer *w, int code)
{
	struct writer_stats stats;

	for (int i = 0; i < 1000; i++) {
		writer_stats(w, &stats);
		if ((stats.last_error & 0xff) == code)
			return;
		store_lab_sleep_ms(10);
	}
	fail_msg("last error is %d, not %d", stats.last_error, code);
}

sqlite3 *store_lab_other(const char *path, const char *sql)
{
	sqlite3 *db = database_open(path, SQLITE_OPEN_READWRITE);

	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	return db;
}
