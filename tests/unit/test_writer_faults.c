/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_writer_faults.c - proves that every record becomes a row, or a gap counts it, whatever other
 * processes do to the database: they lock it, read it for long, refuse rows, move its file, fill
 * its disk.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_lab.h"

/* Another process locks the database: the queue accepts what it can and refuses the rest, and the
 * accepted records are written as soon as the lock is released. */
static void test_locked(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = writer_start(st, 100, 20);
	sqlite3 *other = store_lab_other(path, "BEGIN IMMEDIATE");
	struct writer_stats stats;
	int refused = 0;

	for (int64_t i = 1; i <= 130; i++) {
		struct record r = store_lab_flow(i);
		int error = writer_push(w, &r);

		refused += error != 0;
		assert_int_equal(error, i <= 100 ? 0 : -ENOBUFS);
	}
	assert_int_equal(refused, 30);
	store_lab_wait_error(w, SQLITE_BUSY);
	writer_stats(w, &stats);
	assert_int_equal(stats.dropped, 30);
	assert_int_equal(stats.depth, 100);
	assert_int_equal(stats.depth_max, 100);
	assert_int_equal(stats.written, 0);
	assert_string_equal(stats.last_error_text, "database is locked");
	sqlite3_close(other);
	store_lab_wait(path, "SELECT count(*) FROM flows", 100);
	store_lab_wait_error(w, 0);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT count(*), max(id) FROM flows", "100|100");
}

/* 40,000 a second, without retries. */
static void push_steadily(struct writer *w, int64_t first, int64_t last)
{
	for (int64_t id = first; id <= last; id++) {
		struct record r = store_lab_flow(id);

		assert_int_equal(writer_push(w, &r), 0);
		if (id % 400 == 0)
			store_lab_sleep_ms(10);
	}
}

/* A reader with a long transaction sees its snapshot and delays no writer. When it ends, the whole
 * log is checkpointed: the queue has room for records that come meanwhile, and the log does not
 * stay large. */
static void test_slow_reader(void **state)
{
	const char *path = store_lab_path(*state, "flows.db"),
		   *wal = store_lab_path(*state, "flows.db-wal");
	struct store *st = store_lab_open(path);
	struct writer *w = writer_start(st, 262144, 100);
	struct record r = store_lab_flow(1);
	struct writer_stats stats;
	struct stat info;
	sqlite3 *reader;

	store_lab_push(w, &r);
	writer_flush(w);
	reader = store_lab_other(path, "BEGIN; SELECT count(*) FROM flows");
	for (int64_t i = 2; i <= 1200000; i++) {
		r = store_lab_flow(i);
		store_lab_push(w, &r);
	}
	writer_flush(w);
	store_lab_expect(path, "SELECT count(*) FROM flows", "1200000");
	assert_int_equal(stat(wal, &info), 0);
	assert_true(info.st_size > 64 << 20);
	sqlite3_close(reader);
	push_steadily(w, 1200001, 1500000);
	writer_flush(w);
	writer_stats(w, &stats);
	assert_int_equal(stats.written, 1500000);
	assert_int_equal(stats.failed, 0);
	store_lab_sleep_ms(300);
	assert_int_equal(stat(wal, &info), 0);
	assert_true(info.st_size <= 64 << 20);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT count(*), max(id) FROM flows", "1500000|1500000");
}

/* A record that the database refuses affects no other one, and a gap counts it. */
static void test_refused_record(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w;
	struct writer_stats stats;

	store_lab_execute(path, "CREATE TRIGGER t BEFORE INSERT ON flow WHEN new.id IN (13, 14)"
				" BEGIN SELECT raise(ABORT, 'no'); END");
	w = store_lab_start(st);
	for (int64_t i = 1; i <= 20; i++) {
		struct record r = store_lab_flow(i);

		store_lab_push(w, &r);
	}
	writer_flush(w);
	store_lab_wait(path, "SELECT count(*) FROM gaps WHERE ended IS NOT NULL", 1);
	writer_stats(w, &stats);
	assert_int_equal(stats.failed, 2);
	assert_int_equal(stats.written, 18);
	store_lab_expect(path, "SELECT count(*), total(id) FROM flows", "18|183.0");
	store_lab_expect(path, "SELECT id, source, lost, reason FROM gaps",
			 "-1|store|2|SQLite refused records: no");
	store_lab_stop(w, st);
	st = store_lab_open(path);
	assert_int_equal(store_last_gap_id(st), 0);
	store_close(st);
}

static void test_file_deleted(void **state)
{
	const char *path = store_lab_path(*state, "flows.db"),
		   *moved = store_lab_path(*state, "old.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r = store_lab_flow(1);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &r);
	writer_flush(w);
	assert_int_equal(rename(path, moved), 0);
	store_lab_wait(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'gaps'", 1);
	store_lab_wait(path, "SELECT count(*) FROM gaps", 1);
	store_lab_end(&r);
	store_lab_push(w, &r);
	writer_flush(w);
	store_lab_expect(moved, "SELECT id, state FROM flows", "1|live");
	store_lab_expect(path, "SELECT id, state, uplink, egress FROM flows", "1|ended|wan1|eth1");
	store_lab_expect(path, "SELECT source, lost, ended IS NOT NULL, reason FROM gaps",
			 "store|-|1|the database's file was moved, replaced or deleted");
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
	store_lab_stop(w, st);
}

/* The log or its index is deleted under the open database, which stays: no record is lost, others
 * see what is written, and a gap says why the file was opened again. */
static void test_log_deleted(void **state)
{
	const char *path = store_lab_path(*state, "flows.db"),
		   *const parts[] = {store_lab_path(*state, "flows.db-wal"),
				     store_lab_path(*state, "flows.db-shm")};
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct writer_stats stats;
	struct record r;

	for (int i = 0; i < 2; i++) {
		r = store_lab_flow(2 * i + 1);
		store_lab_push(w, &r);
		writer_flush(w);
		assert_int_equal(unlink(parts[i]), 0);
		r = store_lab_flow(2 * i + 2);
		store_lab_push(w, &r);
		writer_flush(w);
		store_lab_wait(path, "SELECT count(*) FROM gaps WHERE ended IS NOT NULL", i + 1);
		store_lab_expect(path, "SELECT count(*) FROM flows", i ? "4" : "2");
	}
	store_lab_expect(path, "SELECT DISTINCT source, lost, reason FROM gaps",
			 "store|-|the database's write-ahead log was moved or deleted");
	writer_stats(w, &stats);
	assert_int_equal(stats.renewals, 2);
	assert_string_equal(stats.renewal_created, "log");
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
	store_lab_stop(w, st);
}

/* A foreign file takes the database's place: it is not changed, and records wait until it is
 * removed. */
static void test_file_replaced(void **state)
{
	const char *path = store_lab_path(*state, "flows.db"),
		   *text = store_lab_path(*state, "text");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r = store_lab_flow(1);
	uint64_t before;
	FILE *f = fopen(text, "w");

	for (int i = 0; i < 100; i++)
		fputs("something else altogether\n", f);
	fclose(f);
	before = store_lab_fingerprint(text);
	assert_int_equal(rename(text, path), 0);
	store_lab_wait_error(w, SQLITE_CANTOPEN);
	store_lab_push(w, &r);
	writer_flush(w);
	assert_true(store_lab_fingerprint(path) == before);
	assert_int_equal(unlink(path), 0);
	store_lab_wait(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'gaps'", 1);
	store_lab_wait(path, "SELECT count(*) FROM flows", 1);
	store_lab_stop(w, st);
}

static void fill_disk(const char *path, size_t bytes)
{
	static const char zeros[4096];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < bytes; i += sizeof(zeros))
		if (write(fd, zeros, sizeof(zeros)) < 0)
			break;
	close(fd);
}

/* The procedure for a damaged database: it is deleted while the daemon works. The new one has the
 * uplinks, and a gap for the lost records. */
static void test_file_damaged_and_deleted(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r = store_lab_flow(1);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &r);
	writer_flush(w);
	store_lab_execute(path, "DROP TABLE flow");
	r = store_lab_flow(2);
	store_lab_push(w, &r);
	store_lab_wait_error(w, SQLITE_ERROR);
	unlink(path);
	unlink(store_lab_path(*state, "flows.db-wal"));
	unlink(store_lab_path(*state, "flows.db-shm"));
	store_lab_wait(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'flows'", 1);
	store_lab_wait_error(w, 0);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT name, interface FROM uplinks ORDER BY name",
			 "wan1|eth1\nwan2|eth2");
	store_lab_expect(path, "SELECT uplink, count(*) FROM flows", "wan1|1");
	store_lab_expect(path, "SELECT source, count(*) FROM gaps", "store|1");
}

/* Needs 15 MB and a log, and has less until the ballast or the oldest slices are deleted. */
static void full_disk(void **state, bool has_retention)
{
	const char *path = store_lab_path(*state, "flows.db"),
		   *ballast = store_lab_path(*state, "ballast");
	struct writer_stats stats;
	struct store *st = store_lab_open(path);
	struct writer *w = writer_start(st, 250000, 50);

	if (has_retention) {
		writer_set_retention(w, 0, 1 << 30);
		for (int i = 0;
		     i < 1000 && access(store_lab_path(*state, "flows.db.reserve"), F_OK); i++)
			store_lab_sleep_ms(10);
		fill_disk(ballast, 60 << 20);
		fill_disk(store_lab_path(*state, "more"), 2 << 20);
	} else {
		fill_disk(ballast, 70 << 20);
	}
	for (int64_t i = 1; i <= 200000; i++) {
		struct record r = store_lab_flow(i);

		store_lab_end(&r);
		store_lab_push(w, &r);
	}
	if (has_retention) {
		store_lab_wait(path, "SELECT max(id) FROM flow", 200000);
		assert_true(store_lab_number(path, "SELECT min(id) FROM flow") > 10000);
		assert_in_range(store_lab_number(path, "SELECT count(*) FROM flow"), 5000, 150000);
	} else {
		store_lab_wait_error(w, SQLITE_FULL);
		writer_flush(w);
		writer_stats(w, &stats);
		assert_true(stats.depth > 0);
		assert_int_equal(unlink(ballast), 0);
		store_lab_wait(path, "SELECT count(*) FROM flow", 200000);
	}
	writer_stats(w, &stats);
	assert_int_equal(stats.dropped, 0);
	assert_int_equal(stats.failed, 0);
	store_lab_stop(w, st);
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_full_disk_waits(void **state)
{
	full_disk(state, false);
}

/* There is a limit, but nothing to delete: space that the disk has again is used, though it is
 * little. */
static void test_full_disk_again(void **state)
{
	const char *path = store_lab_path(*state, "flows.db"),
		   *ballast = store_lab_path(*state, "ballast");
	struct store *st = store_lab_open(path);
	struct writer *w = writer_start(st, 250000, 50);

	writer_set_retention(w, 0, 1 << 30);
	store_lab_wait(path, "SELECT count(*) FROM meta", 1);
	fill_disk(ballast, 80 << 20);
	for (int64_t i = 1; i <= 5000; i++) {
		struct record r = store_lab_flow(i);

		store_lab_push(w, &r);
	}
	store_lab_wait_error(w, SQLITE_FULL);
	assert_int_equal(truncate(ballast, 40 << 20), 0);
	store_lab_wait(path, "SELECT count(*) FROM flow", 5000);
	store_lab_wait_error(w, 0);
	store_lab_stop(w, st);
}

static void test_full_disk_forgets(void **state)
{
	full_disk(state, true);
}

#define EXIT_NO_MOUNTS 77

/* Mounts from here on are private. Impossible in a chroot whose root is no mount point. */
static bool mounts_are_private(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, "") == 0;
}

/* A separate file system of 80 MiB. */
static int disk_setup(void **state)
{
	return store_lab_setup(state) == 0 && mount("tmpfs", *state, "tmpfs", 0, "size=80m") == 0
		       ? 0
		       : -1;
}

static int disk_teardown(void **state)
{
	umount(*state);
	return store_lab_teardown(state);
}

static void test_full_disk(void **state)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full_disk_waits, disk_setup, disk_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk_forgets, disk_setup, disk_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk_again, disk_setup, disk_teardown),
	};
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0) {
		if (!mounts_are_private())
			_exit(EXIT_NO_MOUNTS);
		/* TAP allows one plan on standard output; this skip goes to standard error. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		_exit(cmocka_run_group_tests(tests, NULL, NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_MOUNTS)
		skip();
	assert_int_equal(status, 0);
}

/* A stop while the database is locked gives up after a while; records are lost, and the next start
 * detects that this was no clean end. */
static void test_stop_while_locked(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	sqlite3 *other = store_lab_other(path, "BEGIN IMMEDIATE");
	struct record r = store_lab_flow(1);
	bool was_clean = true;

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &r);
	store_lab_stop(w, st);
	sqlite3_close(other);
	st = store_lab_open(path);
	store_last_alive_ms(st, &was_clean);
	assert_false(was_clean);
	store_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_locked, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_refused_record, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_file_deleted, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_log_deleted, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_file_damaged_and_deleted, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_file_replaced, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_stop_while_locked, store_lab_setup,
						store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
