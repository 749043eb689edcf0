/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_writer_damage.c - proves that a database that is damaged while the writer has it open, or
 * before it is opened, is set aside unchanged; a new one takes its place with a gap that has the
 * cause, and no record that is pushed afterwards is lost. A database that is refused for another
 * reason is unchanged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_lab.h"

#define FLOWS	  20000
#define PAGE	  4096
#define LAB_PAGES 200

/* A database of some hundred pages, checkpointed from the log. */
static struct writer *filled(const char *path, struct store *st)
{
	struct writer *w = store_lab_start(st);

	store_lab_push_uplinks(w, LAB_NOON);
	for (int64_t i = 1; i <= FLOWS; i++) {
		struct record r = store_lab_flow(i);

		store_lab_push(w, &r);
	}
	writer_flush(w);
	store_lab_execute(path, "PRAGMA wal_checkpoint(RESTART)");
	return w;
}

static void overwrite(const char *path, off_t at, size_t bytes)
{
	char *noise = malloc(bytes);
	int fd = open(path, O_WRONLY);

	assert_non_null(noise);
	assert_true(fd >= 0);
	memset(noise, 0xa5, bytes);
	assert_int_equal(pwrite(fd, noise, bytes, at), bytes);
	close(fd);
	free(noise);
}

static void renewal_await(struct writer *w, struct writer_stats *stats)
{
	for (int i = 0; i < 3000; i++) {
		writer_stats(w, stats);
		if (stats->renewals)
			return;
		store_lab_sleep_ms(10);
	}
	fail_msg("no new database was begun");
}

/* Return the only file that was set aside; it is unchanged. */
static void aside_check(const char *path, const char *text)
{
	char pattern[512];
	const char *name;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s.damaged-????????T??????Z", path);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	name = strrchr(found.gl_pathv[0], '/') + 1;
	assert_string_equal(strstr(text, "flows.db.damaged-"), name);
	globfree(&found);
}

static void renewed_check(const char *path, struct store *st, struct writer *w)
{
	struct record r = store_lab_flow(FLOWS + 1);
	struct writer_stats stats;
	char gap[160];

	renewal_await(w, &stats);
	assert_string_equal(stats.renewal_reason, "damaged");
	aside_check(path, stats.renewal_text);
	store_lab_push(w, &r);
	store_lab_wait_error(w, 0);
	store_lab_wait(path, "SELECT count(*) FROM flows", 1);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT id, uplink FROM flows", "20001|wan1");
	snprintf(gap, sizeof(gap), "store|1|%s", stats.renewal_text);
	store_lab_expect(path, "SELECT source, ended IS NOT NULL, reason FROM gaps", gap);
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_header_overwritten(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = filled(path, st);

	overwrite(path, 0, PAGE);
	renewed_check(path, st, w);
}

/* The header is intact: only reading the pages shows the damage. */
static void test_pages_overwritten(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = filled(path, st);

	overwrite(path, PAGE, LAB_PAGES * PAGE);
	renewed_check(path, st, w);
}

static void test_cut_short(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = filled(path, st);

	assert_int_equal(truncate(path, (off_t)LAB_PAGES * PAGE), 0);
	renewed_check(path, st, w);
}

static void test_emptied(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = filled(path, st);

	assert_int_equal(truncate(path, 0), 0);
	renewed_check(path, st, w);
}

/* --- damaged before the start --------------------------------------------------------- */

static void fill(const char *path)
{
	struct store *st = store_lab_open(path);

	store_lab_stop(filled(path, st), st);
}

/* Opening it prints the line; the rest is the same as at run time. */
static void renewed_start_check(const char *path, const char *cause)
{
	char *said = NULL, line[256];
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	struct store *st = store_open_or_renew(path, errors);
	struct writer *w;

	fclose(errors);
	assert_non_null(st);
	snprintf(line, sizeof(line),
		 "flows.db is damaged: %s; the file was renamed to flows.db.damaged-", cause);
	assert_non_null(strstr(said, line));
	free(said);
	w = store_lab_start(st);
	store_lab_push_uplinks(w, LAB_NOON);
	renewed_check(path, st, w);
	store_lab_expect(path, "SELECT started_ms > 1700000000000 AND started < ended FROM gaps",
			 "1");
}

static void test_start_header_overwritten(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");

	fill(path);
	overwrite(path, 0, PAGE);
	renewed_start_check(path, "file is not a database");
}

static void test_start_pages_overwritten(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");

	fill(path);
	overwrite(path, PAGE, LAB_PAGES * PAGE);
	renewed_start_check(path, "database disk image is malformed");
}

static void test_start_cut_short(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");

	fill(path);
	assert_int_equal(truncate(path, (off_t)LAB_PAGES * PAGE), 0);
	renewed_start_check(path, "database disk image is malformed");
}

/* The live flows are read at a start: the page of the first of them. */
static void test_start_live_overwritten(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	int64_t page;

	if (!sqlite3_compileoption_used("ENABLE_DBSTAT_VTAB"))
		skip();
	fill(path);
	page = store_lab_number(path, "SELECT max(pageno) FROM dbstat WHERE name = 'flow'"
				      " AND pagetype = 'leaf' AND path = '/000/'");
	overwrite(path, (off_t)(page - 1) * PAGE, PAGE);
	renewed_start_check(path, "database disk image is malformed");
}

static void test_start_whole(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct writer_stats stats;
	struct store *st;
	struct writer *w;

	fill(path);
	st = store_open_or_renew(path, stderr);
	assert_non_null(st);
	w = store_lab_start(st);
	writer_stats(w, &stats);
	assert_int_equal(stats.renewals, 0);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT count(*) FROM flows", "20000");
}

static void refused_start_check(const char *path, int error, const char *text)
{
	uint64_t before = store_lab_fingerprint(path);
	char *said = NULL, pattern[512];
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	glob_t found;

	assert_null(store_open_or_renew(path, errors));
	assert_int_equal(errno, error);
	fclose(errors);
	assert_non_null(strstr(said, text));
	free(said);
	assert_int_equal(store_lab_fingerprint(path), before);
	snprintf(pattern, sizeof(pattern), "%s.damaged-*", path);
	assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
}

static void test_start_newer(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");

	fill(path);
	store_lab_execute(path, "PRAGMA user_version = 1000");
	store_lab_execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
	overwrite(path, (off_t)LAB_PAGES * PAGE, PAGE);
	refused_start_check(path, EPROTO, "newer than this program's");
}

/* A damaged file may be foreign too. */
static void test_start_foreign(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");

	store_lab_execute(path, "PRAGMA application_id = 12345");
	store_lab_execute(path, "CREATE TABLE other (a); INSERT INTO other VALUES (1)");
	refused_start_check(path, EPROTO, "another program");
	overwrite(path, 100, PAGE - 100);
	refused_start_check(path, EPROTO, "another program");
}

/* A file may be named by mistake: it was ours only if a daemon's lock file is beside it. */
static void test_start_other_file(void **state)
{
	const char *path = store_lab_path(*state, "notes.txt");
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("notes of an administrator\n", file);
	fclose(file);
	refused_start_check(path, EPROTO, "not an SQLite database");
}

static void test_start_locked(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);

	overwrite(path, 0, PAGE);
	refused_start_check(path, EBUSY, "in use by process");
	store_close(st);
}

/* For the tool's commands it is an error. */
static void test_start_of_a_command(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	uint64_t before;

	fill(path);
	overwrite(path, 0, PAGE);
	before = store_lab_fingerprint(path);
	assert_null(store_open(path, NULL));
	assert_int_equal(errno, EPROTO);
	assert_int_equal(store_lab_fingerprint(path), before);
}

/* A database that grows, shrinks and is written back is not taken for a damaged one. */
static void test_own_changes(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = filled(path, st);
	struct writer_stats stats;

	for (int64_t i = 1; i <= FLOWS; i++) {
		struct record r = store_lab_flow(i);

		store_lab_end(&r);
		store_lab_push(w, &r);
	}
	writer_flush(w);
	writer_set_retention(w, 60, 0);
	writer_prune(w);
	store_lab_wait(path, "SELECT count(*) = 0 FROM flows", 1);
	store_lab_sleep_ms(5000);
	writer_stats(w, &stats);
	assert_int_equal(stats.renewals, 0);
	assert_int_equal(stats.failures, 0);
	store_lab_stop(w, st);
}

static void test_causes(void **state)
{
	(void)state;
	assert_string_equal(store_failure_of(SQLITE_FULL, ENOSPC).cause, "the disk is full");
	assert_string_equal(store_failure_of(SQLITE_IOERR_WRITE, EROFS).cause,
			    "the file system is read-only");
	assert_string_equal(store_failure_of(SQLITE_IOERR_FSYNC, EIO).cause,
			    "the disk reports an I/O error");
	assert_string_equal(store_failure_of(SQLITE_CANTOPEN, ENOSPC).cause, "the disk is full");
	assert_string_equal(store_failure_of(SQLITE_CANTOPEN, EIO).cause,
			    "the disk reports an I/O error");
	assert_string_equal(store_failure_of(SQLITE_CANTOPEN, EACCES).cause,
			    "the database cannot be opened");
	assert_string_equal(store_failure_of(SQLITE_FULL, EDQUOT).reason, "disk quota");
	assert_string_equal(store_failure_of(SQLITE_IOERR_NOMEM, ENOMEM).reason, "memory");
	assert_string_equal(store_failure_of(SQLITE_BUSY, 0).reason, "locked");
	assert_string_equal(store_failure_of(SQLITE_NOTADB, 0).reason, "damaged");
	assert_string_equal(store_failure_of(SQLITE_ERROR, 0).cause, sqlite3_errstr(SQLITE_ERROR));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_header_overwritten, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_pages_overwritten, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_cut_short, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_emptied, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_own_changes, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_header_overwritten, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_pages_overwritten, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_cut_short, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_live_overwritten, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_whole, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_newer, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_foreign, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_other_file, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_locked, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_start_of_a_command, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test(test_causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
