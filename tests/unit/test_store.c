/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store.c - proves the history as a file: what is created, what is refused and untouched, the
 * lock, migrations, a start on an existing file, and a killed writer.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "store_lab.h"

/* Open path, which must fail with error and one line that contains 'part'. */
static void refused(const char *path, int error, const char *part)
{
	char line[512] = "";
	FILE *errors = fmemopen(line, sizeof(line), "w");

	assert_non_null(errors);
	errno = 0;
	assert_null(store_open(path, errors));
	assert_int_equal(errno, error);
	fclose(errors);
	if (!strstr(line, part) || strchr(line, '\n') != line + strlen(line) - 1)
		fail_msg("the message is: %s", line);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The contract: the columns of each view, in order. */
static void test_views(void **state)
{
	static const struct {
		const char *view, *columns;
	} views[] = {
		{"flows",
		 "id started started_ms ended ended_ms state proto src sport dst dport nat_src "
		 "nat_sport"
		 " nat_dst nat_dport zone ct_id mark uplink ingress egress egress_reply verdict"
		 " reason packets bytes packets_reply bytes_reply"},
		{"long_flows",
		 "id started started_ms ended ended_ms state proto src sport dst dport nat_src "
		 "nat_sport"
		 " nat_dst nat_dport zone ct_id mark uplink ingress egress egress_reply verdict"
		 " reason packets bytes packets_reply bytes_reply"},
		{"flagged_flows",
		 "id started started_ms ended ended_ms state proto src sport dst dport nat_src "
		 "nat_sport"
		 " nat_dst nat_dport zone ct_id mark uplink ingress egress egress_reply verdict"
		 " reason packets bytes packets_reply bytes_reply"},
		{"flow_addresses", "address side flow_id"},
		{"flow_egress", "flow_id direction interface interfaces"},
		{"mismatches",
		 "id time time_ms flow_id proto src sport dst dport direction mark expected"
		 " egress reason evidence packets"},
		{"gaps", "id started started_ms ended ended_ms source lost reason"},
		{"uplinks", "name interface mark valid_from valid_from_ms valid_to valid_to_ms"},
		{"mark_changes", "time time_ms flow_id old new"},
		{"tampering", "id time time_ms what pid process action"},
		{"usage", "time time_ms uplink bytes_sent bytes_received packets_sent"
			  " packets_received flows_started flows_answered id"},
		{"uplink_states", "id time time_ms uplink interface state cause decision user"
				  " process until until_ms addresses"},
		{"alerts", "id time time_ms kind severity state uplinks reason count text"},
		{"deleted_flows", "time time_ms flow_id mismatch_id action"},
		{"talkers", "hour hour_ms host uplink flows unanswered bytes_sent bytes_received"},
	};
	const char *path = store_lab_path(*state, "flows.db");
	char sql[128];

	store_close(store_lab_open(path));
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT group_concat(name, ' ') FROM"
			 " pragma_table_info('%s')",
			 views[i].view);
		store_lab_expect(path, sql, views[i].columns);
		snprintf(sql, sizeof(sql), "SELECT * FROM %s", views[i].view);
		store_lab_expect(path, sql, "");
	}
}

static void test_new_file(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct stat info;
	bool was_clean = true;
	struct store *st = store_lab_open(path);

	assert_int_equal(store_last_flow_id(st), 0);
	assert_int_equal(store_last_mismatch_id(st), 0);
	assert_int_equal(store_last_gap_id(st), 0);
	assert_int_equal(store_last_alive_ms(st, &was_clean), 0);
	assert_false(was_clean);
	store_close(st);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07, 0);
	store_lab_expect(path, "PRAGMA user_version", "3");
	assert_int_equal(store_lab_number(path, "PRAGMA application_id"), STORE_APPLICATION_ID);
	store_lab_expect(path, "PRAGMA journal_mode", "wal");
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_empty_files(void **state)
{
	const char *path = store_lab_path(*state, "empty"), *bare = store_lab_path(*state, "bare");

	write_file(path, "");
	store_close(store_lab_open(path));
	store_lab_expect(path, "SELECT count(*) FROM flows", "0");
	store_lab_execute(bare, "CREATE TABLE t (a); DROP TABLE t");
	store_close(store_lab_open(bare));
	store_lab_expect(bare, "SELECT count(*) FROM flows", "0");
}

static void test_not_sqlite(void **state)
{
	const char *path = store_lab_path(*state, "notes.txt");
	uint64_t before;

	write_file(path, "Not a database, but long enough to be taken for one if only the size"
			 " mattered: one hundred bytes and some more.\n");
	before = store_lab_fingerprint(path);
	refused(path, EPROTO, "not an SQLite database");
	assert_true(store_lab_fingerprint(path) == before);
	assert_int_equal(access(store_lab_path(*state, "notes.txt.lock"), F_OK), -1);
	refused(*state, EPROTO, "is not a regular file");
}

static void test_not_ours(void **state)
{
	static const char *const makes[] = {
		"CREATE TABLE t (a)",
		"PRAGMA journal_mode = WAL; CREATE TABLE t (a)",
		"PRAGMA application_id = 77; CREATE TABLE t (a)",
		"PRAGMA application_id = 77",
	};
	const char *path = store_lab_path(*state, "other.db");

	for (size_t i = 0; i < sizeof(makes) / sizeof(makes[0]); i++) {
		uint64_t before;

		unlink(path);
		store_lab_execute(path, makes[i]);
		before = store_lab_fingerprint(path);
		refused(path, EPROTO, "another program");
		assert_true(store_lab_fingerprint(path) == before);
		assert_int_equal(access(store_lab_path(*state, "other.db-wal"), F_OK), -1);
		assert_int_equal(access(store_lab_path(*state, "other.db.lock"), F_OK), -1);
	}
}

static void test_newer(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	uint64_t before;

	store_close(store_lab_open(path));
	store_lab_execute(path, "PRAGMA user_version = 4");
	before = store_lab_fingerprint(path);
	refused(path, EPROTO, "newer than this program's 3");
	assert_true(store_lab_fingerprint(path) == before);
	store_lab_expect(path, "PRAGMA user_version", "4");
}

static void test_folders(void **state)
{
	int status;
	pid_t child;

	refused(store_lab_path(*state, "none/flows.db"), ENOENT, "does not exist");
	assert_int_equal(mkdir(store_lab_path(*state, "closed"), 0555), 0);
	child = fork();
	if (child == 0) {
		/* Root may write anywhere. */
		if (geteuid() == 0 && (chmod(*state, 0755) || setgid(65534) || setuid(65534)))
			_exit(1);
		_exit(!store_open(store_lab_path(*state, "closed/flows.db"), NULL) &&
				      errno == EACCES
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(access(store_lab_path(*state, "closed/flows.db"), F_OK), -1);
}

static void test_lock(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	char who[32];

	snprintf(who, sizeof(who), "process %ld;", (long)getpid());
	refused(path, EBUSY, who);
	store_close(st);
	store_close(store_lab_open(path));
}

static void test_damaged(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	FILE *f;

	store_close(store_lab_open(path));
	f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, 100, SEEK_SET);
	for (int i = 0; i < 3000; i++)
		putc(0xa5, f);
	fclose(f);
	refused(path, EIO, "malformed");
}

/* A history of version 1 is migrated to the present version, and keeps its row. */
static void test_version_1(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	char mark[96];
	sqlite3 *db = NULL;

	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = 1",
		 STORE_APPLICATION_ID);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql_text("version-1.sql"), NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, mark, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	store_lab_execute(path, "INSERT INTO gap VALUES (1, 2, 3, 0, 4, 'why')");
	store_close(store_lab_open(path));
	store_lab_expect(path, "PRAGMA user_version", "3");
	store_lab_expect(path, "SELECT id, reason FROM gaps", "1|why");
	store_lab_expect(path, "SELECT count(*) FROM uplink_state", "0");
	store_lab_expect(path, "SELECT count(*) FROM deletion", "0");
}

/* Made-up migrations: one to a next version, and one that fails. */
static void test_migrations(void **state)
{
	static const struct migration steps[] = {
		{.version = 4, .sql = "ALTER TABLE gap ADD COLUMN extra DEFAULT 5"},
		{.version = 5,
		 .sql = "CREATE TABLE four (a); INSERT INTO four VALUES (4);"
			" DROP VIEW gaps"},
	};
	static const struct migration bad[] = {
		{.version = 6, .sql = "CREATE TABLE five (a); DELETE FROM gap; INSERT INTO no"},
	};
	const char *path = store_lab_path(*state, "flows.db");
	sqlite3 *db = NULL;
	int version;

	store_close(store_lab_open(path));
	store_lab_execute(path, "INSERT INTO gap VALUES (1, 2, 3, 0, 4, 'why')");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(migrate_run(db, steps, 2, &version), SQLITE_OK);
	assert_int_equal(version, 3);
	store_lab_expect(path, "PRAGMA user_version", "5");
	store_lab_expect(path, "SELECT extra, reason FROM gap", "5|why");
	store_lab_expect(path, "SELECT a FROM four", "4");
	store_lab_expect(path, "SELECT id, reason FROM gaps", "1|why");
	assert_int_equal(migrate_run(db, steps, 2, &version), SQLITE_OK);
	assert_int_equal(migrate_run(db, bad, 1, &version), SQLITE_ERROR);
	store_lab_expect(path, "PRAGMA user_version", "5");
	store_lab_expect(path, "SELECT count(*) FROM gap", "1");
	store_lab_expect(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'five'", "0");
	assert_int_equal(migrate_run(db, steps, 1, &version), SQLITE_SCHEMA);
	assert_int_equal(version, 5);
	sqlite3_close(db);
}

static void test_what_a_start_finds(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct record mismatch = {.type = RECORD_MISMATCH, .mismatch = {.id = 70}};
	struct record gap = {.type = RECORD_GAP, .gap = {.id = 90, .lost = -1}};
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record flow = store_lab_flow(500);
	bool was_clean;

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &flow);
	store_lab_push(w, &mismatch);
	store_lab_push(w, &gap);
	writer_stop(w, true, LAB_NOON + 77);
	store_close(st);
	st = store_lab_open(path);
	assert_int_equal(store_last_flow_id(st), 500);
	assert_int_equal(store_last_mismatch_id(st), 70);
	assert_int_equal(store_last_gap_id(st), 90);
	assert_int_equal(store_last_alive_ms(st, &was_clean), LAB_NOON + 77);
	assert_true(was_clean);
	w = store_lab_start(st);
	writer_flush(w);
	writer_stop(w, false, LAB_NOON + 88);
	store_close(st);
	st = store_lab_open(path);
	assert_int_equal(store_last_alive_ms(st, &was_clean), LAB_NOON + 88);
	assert_false(was_clean);
	store_close(st);
}

struct seen {
	struct flow_record flows[4];
	int n;
};

static int flow_keep(void *data, const struct flow_record *f)
{
	struct seen *seen = data;

	assert_true(seen->n < 4);
	seen->flows[seen->n++] = *f;
	return 0;
}

static int flow_stop(void *data, const struct flow_record *f)
{
	(void)data;
	return f->id == 1 ? 42 : -1;
}

/* A crash between two commits may leave rows that refer to a flow whose row is missing, because it
 * is written a little later: its id is not given to another flow. */
static void test_ids_of_flows_without_rows(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record flow = store_lab_flow(7);
	struct record change = {
		.type = RECORD_MARK_CHANGE,
		.mark_change = {.time_ms = LAB_NOON, .flow_id = 9, .new_mark = 2},
	};

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &flow);
	store_lab_push(w, &change);
	store_lab_stop(w, st);
	st = store_lab_open(path);
	assert_int_equal(store_last_flow_id(st), 9);
	store_close(st);
	/* Flows up to this one have the uplinks' former names. */
	store_lab_execute(path, "UPDATE uplink SET after_flow = 12");
	st = store_lab_open(path);
	assert_int_equal(store_last_flow_id(st), 12);
	store_close(st);
}

static void same_flow(const struct flow_record *a, const struct flow_record *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->started_ms, b->started_ms);
	assert_int_equal(a->ended_ms, b->ended_ms);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->proto, b->proto);
	assert_int_equal(a->zone, b->zone);
	assert_int_equal(a->ct_id, b->ct_id);
	for (int d = 0; d < 2; d++) {
		assert_true(addr_is_equal(&a->tuple[d].src, &b->tuple[d].src));
		assert_true(addr_is_equal(&a->tuple[d].dst, &b->tuple[d].dst));
		assert_int_equal(a->tuple[d].sport, b->tuple[d].sport);
		assert_int_equal(a->tuple[d].dport, b->tuple[d].dport);
		assert_true(a->egress[d] == b->egress[d]);
		assert_true(a->packets[d] == b->packets[d]);
		assert_true(a->bytes[d] == b->bytes[d]);
	}
	assert_int_equal(a->mark, b->mark);
	assert_int_equal(a->uplink, b->uplink);
	assert_int_equal(a->ingress, b->ingress);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->has_counters, b->has_counters);
}

/* Live flows are read back as they were written, so that a start recognizes the kernel's flows. */
static void test_live_flows(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r[4] = {store_lab_flow(1), store_lab_flow(2), store_lab_flow(3),
			      store_lab_flow(4)};
	struct seen seen = {.n = 0};

	store_lab_end(&r[1]);
	r[2].flow.proto = 1; /* a ping, its identifier translated */
	r[2].flow.tuple[0].sport = 77;
	r[2].flow.tuple[0].dport = r[2].flow.tuple[1].dport = 8 << 8;
	r[2].flow.tuple[1].sport = 78;
	r[2].flow.uplink = SLOT_NONE;
	r[2].flow.egress[0] = 3;
	r[2].flow.egress[1] = 2;
	r[2].flow.verdict = VERDICT_MISMATCH;
	r[2].flow.reason = REASON_RULE_MISSING;
	store_lab_addr(&r[3].flow.tuple[0].src, "2001:db8::5"); /* to a forwarded port */
	store_lab_addr(&r[3].flow.tuple[0].dst, "2001:db8:1::1");
	store_lab_addr(&r[3].flow.tuple[1].src, "2001:db8:2::80");
	r[3].flow.tuple[1].dst = r[3].flow.tuple[0].src;
	r[3].flow.tuple[1].sport = 8443;
	r[3].flow.ingress = 1;
	r[3].flow.zone = 9;
	r[3].flow.mark = 0xffffffff;
	r[3].flow.has_counters = true;
	r[3].flow.bytes[1] = INT64_MAX;
	store_lab_push_uplinks(w, LAB_NOON);
	for (int i = 0; i < 4; i++)
		store_lab_push(w, &r[i]);
	store_lab_stop(w, st);
	st = store_lab_open(path);
	assert_int_equal(store_each_live(st, flow_keep, &seen), 0);
	assert_int_equal(seen.n, 3);
	same_flow(&seen.flows[0], &r[0].flow);
	same_flow(&seen.flows[1], &r[2].flow);
	same_flow(&seen.flows[2], &r[3].flow);
	assert_int_equal(store_each_live(st, flow_stop, NULL), 42);
	store_close(st);
}

/* Write until killed. */
static void victim(const char *path)
{
	struct store *st = store_open(path, NULL);
	struct writer *w = st ? writer_start(st, 65536, 20) : NULL;

	if (!w)
		_exit(1);
	store_lab_push_uplinks(w, LAB_NOON);
	for (int64_t id = store_last_flow_id(st) + 1;; id++) {
		struct record r = store_lab_flow(id);

		store_lab_push(w, &r);
		if (id > 3000) {
			r = store_lab_flow(id - 3000);
			store_lab_end(&r);
			store_lab_push(w, &r);
		}
	}
}

/* Killed at any moment the history is intact, in order, without duplicates, and readable at once by
 * any process. */
static void test_killed(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	int64_t before = 0;

	for (int round = 0; round < 4; round++) {
		bool was_clean = true;
		struct store *st;
		pid_t child = fork();
		int status;
		int64_t n;

		if (child == 0)
			victim(path);
		store_lab_wait(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'flows'", 1);
		store_lab_wait(path, "SELECT count(*) FROM flows", before + 5000);
		nanosleep(&(struct timespec){.tv_nsec = 3000000 * (round + 1)}, NULL);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		n = store_lab_number(path, "SELECT count(*) FROM flows");
		store_lab_expect(path, "PRAGMA integrity_check", "ok");
		assert_int_equal(store_lab_number(path, "SELECT max(id) FROM flows"), n);
		st = store_lab_open(path);
		assert_int_equal(store_last_flow_id(st), n);
		assert_true(store_last_alive_ms(st, &was_clean) > 0);
		assert_false(was_clean);
		store_close(st);
		store_lab_expect(path, "PRAGMA integrity_check", "ok");
		before = n;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_views, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_new_file, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_empty_files, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_not_sqlite, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_not_ours, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_newer, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_folders, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_lock, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_damaged, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_version_1, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_migrations, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_what_a_start_finds, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_ids_of_flows_without_rows, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_live_flows, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_killed, store_lab_setup, store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
