/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_alert_exec.c - proves how alert programs are run: their input and environment, which
 * programs, how many at once and for how long.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "waymark/alert/exec.h"
#include "waymark/alert/facts.h"
#include "waymark/alert/sink.h"
#include "waymark/alert/spawn.h"
#include "alert_lab.h"

static void assert_variable(const char *environment, const char *variable)
{
	char line[512];

	snprintf(line, sizeof(line), "\n%s\n", variable);
	if (!strstr(environment, line))
		fail_msg("no %s in:%s", variable, environment);
}

/* No signal is blocked or ignored, except 32 and 33, which the C library uses: no program can set
 * them, and the test's parent may have ignored them. */
static void assert_no_signals(const char *text)
{
	const unsigned long long reserved = 3ULL << 31;
	unsigned long long blocked, ignored;

	assert_int_equal(sscanf(text, "SigBlk:\t%llx\nSigIgn:\t%llx\n", &blocked, &ignored), 2);
	assert_true((blocked & ~reserved) == 0);
	assert_true((ignored & ~reserved) == 0);
}

static void test_environment(void **state)
{
	static const char *const variables[] = {
		"WAYMARK_KIND=mismatch",
		"WAYMARK_TIME=2026-07-15T10:20:30.456Z",
		"WAYMARK_FLOW_ID=77",
		"WAYMARK_MISMATCH_ID=5",
		"WAYMARK_EXPECTED=wan1",
		"WAYMARK_EGRESS=eth2",
		"WAYMARK_EGRESS_UPLINK=wan2",
		"WAYMARK_REASON=rule-missing",
		"WAYMARK_EVIDENCE=packet",
		"WAYMARK_PROTO=tcp",
		"WAYMARK_SRC=192.168.0.2",
		"WAYMARK_SPORT=40000",
		"WAYMARK_DST=203.0.113.9",
		"WAYMARK_DPORT=443",
		"WAYMARK_DIRECTION=reply",
		"WAYMARK_MARK=2",
		"WAYMARK_COUNT=1",
		"WAYMARK_TEXT=flow 77 left by \"wan2\"; $(touch evil) `touch evil`",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	};
	struct alert alert = mismatch();
	int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec */
	struct alerter *a;
	sigset_t set;
	char *text;

	(void)state;
	program_write("show", "(echo; cat /proc/self/environ | tr '\\0' '\\n') > env.tmp\n"
			      "ls /proc/self/fd | tr '\\n' ' ' > fds\n"
			      "grep -E '^Sig(Blk|Ign)' /proc/self/status > signals\n"
			      "cat > stdin; mv env.tmp env");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a = alerter_with(path_in("show"), NULL, 60);
	alerter_raise(a, &alert);
	assert_int_equal(stats_of(a).children, 1);
	children_wait(a, T0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(leaked);
	text = file_text("env");
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		assert_variable(text, variables[i]);
	assert_null(strstr(text, "HOME="));
	/* ls has one more, for the folder that it lists */
	assert_string_equal(file_text("fds"), "0 1 2 3 ");
	assert_no_signals(file_text("signals"));
	assert_null(file_text("evil"));
	assert_int_equal(stats_of(a).failed, 0);
	alerter_free(a);
}

static void test_stdin(void **state)
{
	struct alert alert = mismatch();
	struct alerter *a;
	json_t *object;
	char *text;

	(void)state;
	program_write("show", "cat > stdin");
	a = alerter_with(path_in("show"), NULL, 60);
	alerter_raise(a, &alert);
	children_wait(a, T0);
	text = file_text("stdin");
	assert_int_equal(lines_of(text), 1);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	{
		struct facts facts;

		facts_fill(&facts, &alert, &(struct alert_identity){0});
		assert_int_equal(json_object_size(object), facts.n);
	}
	assert_text(object, "kind", "mismatch");
	assert_text(object, "time", "2026-07-15T10:20:30.456Z");
	assert_text(object, "text", alert.text);
	assert_text(object, "proto", "tcp");
	assert_integer(object, "flow_id", 77);
	assert_integer(object, "dport", 443);
	assert_integer(object, "mark", 2);
	assert_integer(object, "count", 1);
	json_decref(object);
	alerter_free(a);
}

/* Programs run in the order of their names; only executable files with allowed names. */
static void test_folder(void **state)
{
	static const char *const names[] = {"d/10-b",	    "d/20_c.sh", "d/00a", "d/x~",
					    "d/y.dpkg-old", "d/.hidden", "d/z,z", "d/30-not"};
	struct alert alert = mismatch();
	struct alerter *a;

	(void)state;
	mkdir(path_in("d"), 0755);
	mkdir(path_in("d/40-folder"), 0755);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		program_write(names[i], "echo \"${0##*/}\" >> ran");
	chmod(path_in("d/30-not"), 0644);
	a = alerter_with(path_in("d"), NULL, 60);
	alerter_raise(a, &alert);
	assert_int_equal(stats_of(a).children, 3);
	children_wait(a, T0);
	assert_int_equal(lines_of(file_text("ran")), 3);
	assert_non_null(strstr(file_text("ran"), "00a\n"));
	assert_non_null(strstr(file_text("ran"), "10-b\n"));
	assert_non_null(strstr(file_text("ran"), "20_c.sh\n"));
	assert_int_equal(stats_of(a).failed, 0);
	alerter_free(a);
}

static void check_exec_fails(const char *path, const char *why)
{
	struct alert alert = mismatch();
	struct alerter *a = alerter_with(path, NULL, 60);

	alerter_raise(a, &alert);
	children_wait(a, T0);
	assert_int_equal(stats_of(a).failed, 1);
	if (!strstr(stats_of(a).last_error, why))
		fail_msg("'%s' instead of '%s'", stats_of(a).last_error, why);
	alerter_free(a);
}

static void test_exec_failures(void **state)
{
	(void)state;
	check_exec_fails("/nonexistent/program", "No such file");
	program_write("plain", "true");
	chmod(path_in("plain"), 0644);
	check_exec_fails(path_in("plain"), "Permission denied");
	close(open(path_in("empty"), O_CREAT | O_WRONLY, 0755));
	check_exec_fails(path_in("empty"), "Exec format error");
	program_write("three", "exit 3");
	check_exec_fails(path_in("three"), "exit status 3");
	program_write("signal", "kill -TERM $$");
	check_exec_fails(path_in("signal"), "signal 15");
}

/* 8 run, 64 wait, the rest fails; when the 8 end, the others follow. */
static void test_children_bound(void **state)
{
	struct alert alert = mismatch();
	struct alerter *a;

	(void)state;
	program_write("wait",
		      "echo >> began\nwhile ! [ -e go ]; do sleep 0.05; done\necho >> ended");
	a = alerter_with(path_in("wait"), NULL, 0);
	for (int i = 0; i < 80; i++)
		alerter_raise(a, &alert);
	assert_int_equal(stats_of(a).children, EXEC_CHILDREN_MAX);
	assert_int_equal(stats_of(a).sent, 80);
	assert_int_equal(stats_of(a).failed, 80 - EXEC_CHILDREN_MAX - EXEC_QUEUE_MAX);
	assert_non_null(strstr(stats_of(a).last_error, "too many"));
	for (int i = 0; i < 20; i++) {
		nap();
		alerter_tick(a, T0);
	}
	assert_true(lines_of(file_text("began")) <= EXEC_CHILDREN_MAX);
	close(open(path_in("go"), O_CREAT | O_WRONLY, 0644));
	children_wait(a, T0);
	assert_int_equal(lines_of(file_text("ended")), EXEC_CHILDREN_MAX + EXEC_QUEUE_MAX);
	assert_int_equal(stats_of(a).failed, 80 - EXEC_CHILDREN_MAX - EXEC_QUEUE_MAX);
	alerter_free(a);
}

/* At a stop, suppressed alerts are sent to a program that has time to read them, before the caller
 * may kill its remaining processes. */
static void test_stop(void **state)
{
	struct alert alert = mismatch();
	struct alerter *a;

	(void)state;
	program_write("slow", "sleep 0.3\necho $WAYMARK_COUNT >> done\n");
	a = alerter_with(path_in("slow"), NULL, 60);
	for (int i = 0; i < 3; i++)
		alerter_raise(a, &alert);
	assert_null(file_text("done"));
	alerter_free(a);
	assert_int_equal(lines_of(file_text("done")), 2);
	assert_non_null(strstr(file_text("done"), "2\n"));
}

static int64_t seconds_pass(struct alerter *a, int64_t now_ms, unsigned n)
{
	alerter_tick(a, now_ms);
	while (n--)
		alerter_tick(a, now_ms += 1000);
	return now_ms;
}

/* Assert a field of the program's /proc/self/status, as it wrote it. */
static void assert_status(const char *field, const char *wanted)
{
	const char *text = file_text("status"), *at = strstr(text, field);

	assert_non_null(at);
	at += strlen(field);
	at += strspn(at, "\t ");
	if (strncmp(at, wanted, strlen(wanted)))
		fail_msg("%s is %.20s, wanted %s", field, at, wanted);
}

/* The program has no privilege, whoever starts it; as root it also runs as another user. */
static void test_privileges(void **state)
{
	struct alert_config c = {
		.exec = (char *)(uintptr_t)path_in("who"), .user = NULL, .min_interval_s = 60};
	struct alert alert = mismatch();
	struct alerter *a;
	char nobody[] = "nobody", absent[] = "no-such-user";
	bool is_root = geteuid() == 0;

	(void)state;
	program_write("who", "cat /proc/self/status > status.tmp\nmv status.tmp status\n");
	for (int i = 0; i < 2; i++) {
		chmod(path_in("."), 0777);
		c.exec = (char *)(uintptr_t)path_in("who");
		c.user = i ? nobody : NULL;
		unlink(path_in("status"));
		c.exec = (char *)(uintptr_t)path_in("who");
		a = alerter_new(&c);
		assert_non_null(a);
		alerter_raise(a, &alert);
		children_wait(a, T0);
		/* In a user namespace the user may be missing. */
		if (i && stats_of(a).failed && strstr(stats_of(a).last_error, "Invalid argument")) {
			alerter_free(a);
			continue;
		}
		assert_int_equal(stats_of(a).failed, 0);
		assert_status("CapEff:", "0000000000000000");
		assert_status("CapPrm:", "0000000000000000");
		assert_status("CapInh:", "0000000000000000");
		assert_status("CapAmb:", "0000000000000000");
		assert_status("NoNewPrivs:", "1");
		assert_status("Uid:",
			      is_root ? (i ? "65534\t65534\t65534\t65534" : "0\t0\t0\t0") : "");
		if (i && is_root)
			assert_status("Groups:", "\n");
		alerter_free(a);
	}
	c.exec = (char *)(uintptr_t)path_in("who");
	c.user = absent;
	a = alerter_new(&c);
	alerter_raise(a, &alert);
	if (is_root)
		assert_non_null(
			strstr(stats_of(a).last_error, "user 'no-such-user' does not exist"));
	alerter_free(a);
}

/* The program is killed with its children, as any user, by the time that is passed in. */
static void timeout(char *user)
{
	struct alert_config c = {.exec = (char *)(uintptr_t)path_in("hang"),
				 .user = user,
				 .min_interval_s = 1000000};
	struct alert alert = mismatch();
	struct alerter *a;
	pid_t grandchild;
	int64_t now_ms;

	chmod(path_in("."), 0777);
	unlink(path_in("pid"));
	program_write("hang",
		      "trap '' TERM\nsleep 60 &\necho $! > pid.tmp\nmv pid.tmp pid\nwait\n");
	c.exec = (char *)(uintptr_t)path_in("hang");
	a = alerter_new(&c);
	assert_non_null(a);
	alerter_raise(a, &alert);
	for (int i = 0; i < PATIENCE && !file_text("pid"); i++) {
		/* In a user namespace the user may be missing. */
		alerter_tick(a, T0);
		if (user && strstr(stats_of(a).last_error, "Invalid argument")) {
			alerter_free(a);
			return;
		}
		nap();
	}
	grandchild = atoi(file_text("pid"));
	assert_true(grandchild > 1);
	now_ms = seconds_pass(a, T0, 10);
	now_ms = seconds_pass(a, now_ms - 3600000, 10); /* the clock jumps back, and forward */
	now_ms = seconds_pass(a, now_ms + 7200000, EXEC_TIMEOUT_MS / 1000 - 22);
	assert_int_equal(stats_of(a).failed, 0);
	assert_int_equal(stats_of(a).children, 1);
	now_ms = seconds_pass(a, now_ms, 2);
	assert_non_null(strstr(stats_of(a).last_error, "killed after 30 s"));
	children_wait(a, now_ms);
	assert_int_equal(stats_of(a).failed, 1);
	for (int i = 0; i < PATIENCE && kill(grandchild, 0) == 0; i++) {
		char path[64], text[256] = "";
		FILE *file;

		/* Its new parent may be slow to reap it. */
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)grandchild);
		file = fopen(path, "r");
		if (file && !fgets(text, sizeof(text), file))
			text[0] = '\0';
		if (file)
			fclose(file);
		if (strstr(text, ") Z "))
			break;
		assert_int_not_equal(i, PATIENCE - 1);
		nap();
	}
	alerter_free(a);
}

static void test_timeout(void **state)
{
	char user[] = "nobody";

	(void)state;
	timeout(NULL);
	timeout(user);
}

/* Return whether a process has ended or is a zombie. */
static bool is_ended(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		fclose(file);
	return !*text || strstr(text, ") Z ");
}

/* Processes that left the program's session are killed at the time limit. */
static void test_session(void **state)
{
	struct alert alert = mismatch();
	struct alerter *a;
	pid_t left;

	(void)state;
	program_write("leave", "setsid sh -c 'echo $$ > pid.tmp; mv pid.tmp pid; (sleep 77 & "
			       "wait)' </dev/null >/dev/null 2>&1 &\nexit 0\n");
	a = alerter_with(path_in("leave"), NULL, 1000000);
	alerter_raise(a, &alert);
	for (int i = 0; i < PATIENCE && !file_text("pid"); i++)
		nap();
	left = atoi(file_text("pid"));
	assert_true(left > 1);
	alerter_tick(a, T0);
	assert_int_equal(stats_of(a).children, 1);
	assert_false(is_ended(left));
	children_wait(a, seconds_pass(a, T0, EXEC_TIMEOUT_MS / 1000 + 1));
	assert_true(is_ended(left));
	assert_int_equal(stats_of(a).failed, 1);
	alerter_free(a);
}

/* No program outlives the process that called program_spawn. */
static void test_parent_dies(void **state)
{
	pid_t parent, program;

	(void)state;
	program_write("stay", "echo $$ > pid.tmp; mv pid.tmp pid; sleep 77\n");
	parent = fork();
	if (parent == 0) {
		char *environment[] = {NULL};
		struct spawn_user user = {0};
		struct program p = {path_in("stay"), environment, "", &user, -1};

		if (program_spawn(&p, &program))
			_exit(1);
		for (int i = 0; i < PATIENCE && !file_text("pid"); i++)
			nap();
		_exit(0);
	}
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_non_null(file_text("pid"));
	program = atoi(file_text("pid"));
	for (int i = 0; i < PATIENCE && !is_ended(program); i++)
		nap();
	assert_true(is_ended(program));
}

static unsigned outputs;
static size_t output_bytes;

static void output_count(void *data, const char *path, const char *line)
{
	assert_ptr_equal(data, &outputs);
	assert_string_equal(path, path_in("loud"));
	if (outputs++ == 0)
		assert_string_equal(line, "one?[2J");
	output_bytes += strlen(line);
}

/* Output is logged as lines without control characters, up to a bound. */
static void test_output(void **state)
{
	struct sink_status status = {0};
	char *environment[] = {NULL};
	struct exec *e = exec_new(&status);

	(void)state;
	program_write("loud", "printf 'one\\033[2J\\ntwo\\n' >&2\nexec head -c 200000 /dev/zero\n");
	exec_set_output(e, output_count, &outputs);
	exec_run(e, path_in("loud"), environment, "");
	for (int i = 0; i < PATIENCE && exec_children(e); i++) {
		exec_tick(e, T0);
		nap();
	}
	exec_free(e);
	assert_int_equal(status.failed, 0);
	assert_true(outputs > 2);
	assert_true(output_bytes > 1000 && output_bytes < EXEC_OUTPUT_BYTES + 100);
}

#define TEST(name) cmocka_unit_test_teardown(name, folder_clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_environment),	  TEST(test_stdin),	     TEST(test_folder),
		TEST(test_exec_failures), TEST(test_children_bound), TEST(test_timeout),
		TEST(test_privileges),	  TEST(test_stop),	     TEST(test_session),
		TEST(test_parent_dies),	  TEST(test_output),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
