/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_alert.c - alerts folded by times passed in; told to real programs, a file,
 * a FIFO and a log socket; bounds on keys, children and their time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "alert/folding.h"
#include "alert/sinks.h"
#include "waymark/alert.h"

#define T0	 1784110830456LL /* 2026-07-15T10:20:30.456Z */
#define MINUTE	 60000
#define PATIENCE 1000 /* times 10 ms */

static char folder[] = "/tmp/waymark-test-alert-XXXXXX";

static const char *path_in(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

static int folder_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(folder) ? 0 : -1;
}

static void folder_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR) {
			folder_empty(name);
			rmdir(name);
		} else {
			unlink(name);
		}
	}
	if (dir)
		closedir(dir);
}

static int folder_clear(void **state)
{
	(void)state;
	folder_empty(folder);
	return 0;
}

static int folder_teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void program_write(const char *name, const char *body)
{
	FILE *file = fopen(path_in(name), "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\ncd '%s' || exit 9\n%s\n", folder, body);
	fclose(file);
	assert_int_equal(chmod(path_in(name), 0755), 0);
}

static char *file_text(const char *name)
{
	static char text[262144];
	FILE *file = fopen(path_in(name), "r");
	size_t n;

	if (!file)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; text && *text; text++)
		n += *text == '\n';
	return n;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* Ticks, at this time, until no program runs. */
static void children_wait(struct alerter *a, int64_t now_ms)
{
	struct alerter_stats s;

	for (int i = 0; i < PATIENCE; i++) {
		alerter_tick(a, now_ms);
		alerter_stats(a, &s);
		if (s.children == 0)
			return;
		nap();
	}
	fail_msg("%u programs still run", s.children);
}

static struct alert mismatch(void)
{
	struct alert a = {
		.kind = ALERT_MISMATCH,
		.time_ms = T0,
		.expected = "wan1",
		.egress = "eth2",
		.egress_uplink = "wan2",
		.reason = "rule-missing",
		.evidence = "nflog",
		.flow_id = 77,
		.mismatch_id = 5,
		.proto = 6,
		.tuple = {.sport = 40000, .dport = 443},
		.direction = DIR_REPLY,
		.mark = 2,
		.text = "flow 77 left by \"wan2\"; $(touch evil) `touch evil`",
	};

	addr_parse(&a.tuple.src, "192.168.0.2");
	addr_parse(&a.tuple.dst, "203.0.113.9");
	return a;
}

static struct alerter *alerter_with(const char *exec, const char *json, uint32_t interval_s)
{
	struct alert_config c = {
		.exec = exec ? strdup(exec) : NULL,
		.json = json ? strdup(json) : NULL,
		.min_interval_s = interval_s,
	};
	struct alerter *a = alerter_new(&c);

	assert_non_null(a);
	free(c.exec);
	free(c.json);
	return a;
}

static struct alerter_stats stats_of(const struct alerter *a)
{
	struct alerter_stats s;

	alerter_stats(a, &s);
	return s;
}

/* --- programs ------------------------------------------------------------------ */

static void assert_variable(const char *environment, const char *variable)
{
	char line[512];

	snprintf(line, sizeof(line), "\n%s\n", variable);
	if (!strstr(environment, line))
		fail_msg("no %s in:%s", variable, environment);
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
		"WAYMARK_EVIDENCE=nflog",
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
	program_write("tell", "(echo; cat /proc/self/environ | tr '\\0' '\\n') > env.tmp\n"
			      "ls /proc/self/fd | tr '\\n' ' ' > fds\n"
			      "grep -E '^Sig(Blk|Ign)' /proc/self/status > signals\n"
			      "cat > stdin; mv env.tmp env");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a = alerter_with(path_in("tell"), NULL, 60);
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
	assert_string_equal(file_text("signals"),
			    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	assert_null(file_text("evil"));
	assert_int_equal(stats_of(a).failed, 0);
	alerter_free(a);
}

static void assert_text(const json_t *object, const char *key, const char *expected)
{
	const json_t *value = json_object_get(object, key);

	assert_non_null(value);
	if (expected)
		assert_string_equal(json_string_value(value), expected);
	else
		assert_true(json_is_null(value));
}

static void assert_integer(const json_t *object, const char *key, json_int_t expected)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	assert_int_equal(json_integer_value(json_object_get(object, key)), expected);
}

static void test_stdin(void **state)
{
	struct alert alert = mismatch();
	struct alerter *a;
	json_t *object;
	char *text;

	(void)state;
	program_write("tell", "cat > stdin");
	a = alerter_with(path_in("tell"), NULL, 60);
	alerter_raise(a, &alert);
	children_wait(a, T0);
	text = file_text("stdin");
	assert_int_equal(lines_of(text), 1);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	assert_int_equal(json_object_size(object), 18);
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

/* In the order of names, by the naming rule, executable files only. */
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

/* 8 run, 64 wait, the rest has failed; when the 8 end, the others follow. */
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
	assert_int_equal(stats_of(a).told, 80);
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

/* Killed with what it started, by the time that is passed in. */
static void test_timeout(void **state)
{
	struct alert alert = mismatch();
	struct alerter *a;
	pid_t grandchild;

	(void)state;
	program_write("hang",
		      "trap '' TERM\nsleep 600 &\necho $! > pid.tmp\nmv pid.tmp pid\nwait\n");
	a = alerter_with(path_in("hang"), NULL, 0);
	alerter_raise(a, &alert);
	for (int i = 0; i < PATIENCE && !file_text("pid"); i++)
		nap();
	grandchild = atoi(file_text("pid"));
	assert_true(grandchild > 1);
	alerter_tick(a, T0);
	alerter_tick(a, T0 + EXEC_TIMEOUT_MS - 1);
	alerter_tick(a, T0 - 1000000); /* the clock jumps back: the time begins anew */
	alerter_tick(a, T0 - 1000000 + EXEC_TIMEOUT_MS - 1);
	assert_int_equal(stats_of(a).failed, 0);
	assert_int_equal(stats_of(a).children, 1);
	alerter_tick(a, T0 + EXEC_TIMEOUT_MS);
	assert_non_null(strstr(stats_of(a).last_error, "killed after 30 s"));
	children_wait(a, T0 + EXEC_TIMEOUT_MS);
	assert_int_equal(stats_of(a).failed, 1);
	for (int i = 0; i < PATIENCE && kill(grandchild, 0) == 0; i++) {
		char path[64], text[256] = "";
		FILE *file;

		/* Whoever inherits it may be slow to bury it. */
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

/* --- folding ------------------------------------------------------------------- */

static void raise_at(struct alerter *a, int64_t time_ms, int64_t flow_id)
{
	struct alert alert = mismatch();

	alert.time_ms = time_ms;
	alert.flow_id = flow_id;
	alerter_raise(a, &alert);
}

/* The n-th line of the file of JSON lines, from 0; NULL: there is none. */
static json_t *line_json(unsigned n)
{
	char *line = file_text("lines");

	for (; line && n; n--) {
		line = strchr(line, '\n');
		line = line && line[1] ? line + 1 : NULL;
	}
	return line && *line ? json_loads(line, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
}

static void assert_line(unsigned n, json_int_t flow_id, json_int_t count)
{
	json_t *object = line_json(n);

	assert_non_null(object);
	assert_integer(object, "flow_id", flow_id);
	assert_integer(object, "count", count);
	json_decref(object);
}

static void test_folds(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);

	(void)state;
	raise_at(a, T0, 1);
	for (int i = 1; i <= 50; i++)
		raise_at(a, T0 + i, 1 + i);
	alerter_tick(a, T0 + MINUTE - 1);
	assert_int_equal(lines_of(file_text("lines")), 1);
	assert_line(0, 1, 1);
	alerter_tick(a, T0 + MINUTE);
	alerter_tick(a, T0 + MINUTE + 1);
	assert_int_equal(lines_of(file_text("lines")), 2);
	assert_line(1, 51, 50); /* the newest, and all that were folded */
	/* after a summary the interval begins again */
	raise_at(a, T0 + MINUTE + 5, 100);
	alerter_tick(a, T0 + 2 * MINUTE - 1);
	assert_int_equal(lines_of(file_text("lines")), 2);
	/* one that comes when the time is over takes the folded ones with it */
	raise_at(a, T0 + 2 * MINUTE, 101);
	assert_int_equal(lines_of(file_text("lines")), 3);
	assert_line(2, 101, 2);
	alerter_tick(a, T0 + 9 * MINUTE);
	assert_int_equal(lines_of(file_text("lines")), 3);
	raise_at(a, T0 + 10 * MINUTE, 102);
	assert_line(3, 102, 1);
	assert_int_equal(stats_of(a).raised, 54);
	assert_int_equal(stats_of(a).told, 4);
	assert_int_equal(stats_of(a).folded, 51);
	alerter_free(a);
}

static void test_keys(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);
	struct alert alert = mismatch();

	(void)state;
	alerter_raise(a, &alert);
	alert.kind = ALERT_WRONG_SOURCE;
	alerter_raise(a, &alert);
	strcpy(alert.expected, "wan3");
	alerter_raise(a, &alert);
	strcpy(alert.egress, "eth3");
	alerter_raise(a, &alert);
	alert.reason = "route-missing";
	alerter_raise(a, &alert);
	alert.reason = NULL;
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 6);
	/* these are no part of the key */
	alert.proto = 17;
	alert.mark = 9;
	alert.evidence = NULL;
	strcpy(alert.text, "other");
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 6);
	/* told at the end, as nothing may go unsaid */
	alerter_free(a);
	assert_int_equal(lines_of(file_text("lines")), 7);
}

static void test_clock_back(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);

	(void)state;
	raise_at(a, T0, 1);
	raise_at(a, T0 - 3600000, 2);
	alerter_tick(a, T0 - 3600000 + MINUTE);
	assert_line(1, 2, 1);
	alerter_free(a);
}

/* More keys than the table holds: the oldest give way, what they held is told. */
static void test_many_keys(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);
	struct alert alert = mismatch();

	(void)state;
	raise_at(a, T0 - 10, 1);
	raise_at(a, T0 - 9, 2);
	for (int i = 0; i < FOLDING_MAX; i++) {
		snprintf(alert.expected, sizeof(alert.expected), "u%d", i);
		alert.time_ms = T0 + i;
		alerter_raise(a, &alert);
	}
	assert_int_equal(stats_of(a).reused, 1);
	assert_int_equal(lines_of(file_text("lines")), FOLDING_MAX + 2);
	assert_line(FOLDING_MAX, 2, 1);
	/* the others are still known */
	for (int i = 0; i < FOLDING_MAX; i++) {
		snprintf(alert.expected, sizeof(alert.expected), "u%d", i);
		alert.time_ms = T0 + 1000;
		alerter_raise(a, &alert);
	}
	assert_int_equal(lines_of(file_text("lines")), FOLDING_MAX + 2);
	for (int i = 0; i < 100000; i++) {
		snprintf(alert.expected, sizeof(alert.expected), "u%d", i % 200);
		alerter_raise(a, &alert);
	}
	assert_int_equal(lines_of(file_text("lines")), FOLDING_MAX + 2);
	assert_int_equal(stats_of(a).told, FOLDING_MAX + 2);
	assert_int_equal(stats_of(a).folded, FOLDING_MAX + 100001);
	alerter_free(a);
}

/* --- file, FIFO, log ------------------------------------------------------------- */

static void test_file(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 0);
	struct alert alert = {
		.kind = ALERT_GAP, .time_ms = T0, .direction = -1, .text = "caf\xe9\n\x01"};
	struct stat st;
	json_t *object;

	(void)state;
	umask(022);
	alerter_raise(a, &alert);
	assert_int_equal(stat(path_in("lines"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	object = line_json(0);
	assert_text(object, "kind", "gap");
	assert_text(object, "src", NULL);
	assert_text(object, "proto", NULL);
	assert_text(object, "mark", NULL);
	assert_text(object, "flow_id", NULL);
	assert_text(object, "direction", NULL);
	assert_text(object, "reason", NULL);
	assert_text(object, "text", "caf?\n\x01");
	json_decref(object);
	/* rotated: a new file under the name */
	assert_int_equal(rename(path_in("lines"), path_in("lines.1")), 0);
	alerter_raise(a, &alert);
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 2);
	assert_int_equal(lines_of(file_text("lines.1")), 1);
	assert_int_equal(stats_of(a).failed, 0);
	alerter_free(a);
}

static void check_json_fails(const char *path, int n, const char *why)
{
	struct alerter *a = alerter_with(NULL, path, 0);
	struct alert alert = mismatch();

	for (int i = 0; i < n; i++)
		alerter_raise(a, &alert);
	assert_true(stats_of(a).failed > 0);
	if (!strstr(stats_of(a).last_error, why))
		fail_msg("'%s' instead of '%s'", stats_of(a).last_error, why);
	alerter_free(a);
}

static void test_file_failures(void **state)
{
	char byte;
	int fd;

	(void)state;
	check_json_fails("/nonexistent/lines", 1, "No such file");
	check_json_fails(folder, 1, "Is a directory");
	check_json_fails("/dev/full", 1, "No space left");
	assert_int_equal(mkfifo(path_in("fifo"), 0600), 0);
	check_json_fails(path_in("fifo"), 1, "No such device"); /* no reader */
	fd = open(path_in("fifo"), O_RDONLY | O_NONBLOCK);
	check_json_fails(path_in("fifo"), 1000, "temporarily unavailable"); /* a slow one */
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, '{');
	close(fd);
}

static void test_syslog(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sink_status s = {0};
	struct alert alert = mismatch();
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[1024];
	ssize_t n;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/log", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	alert.count = 3;
	syslog_write(address.sun_path, &alert, &s);
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	/* LOG_DAEMON | LOG_WARNING is 28 */
	assert_memory_equal(text, "<28>Jul 15 10:20:30 waymarkd[", 29);
	assert_non_null(strstr(text, "]: mismatch: flow 77 left by"));
	assert_non_null(strstr(text, "(3 times, this is the last)"));
	assert_int_equal(s.failed, 0);
	/* nobody reads: it fails, it does not wait */
	for (int i = 0; i < 5000 && s.failed == 0; i++)
		syslog_write(address.sun_path, &alert, &s);
	assert_int_equal(s.failed, 1);
	close(fd);
	syslog_write(address.sun_path, &alert, &s);
	syslog_write("/nonexistent/log", &alert, &s);
	assert_int_equal(s.failed, 3);
	assert_non_null(strstr(s.last_error, "/nonexistent/log"));
}

static void test_set_config(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);
	struct alert_config c = {.json = strdup(path_in("other"))};
	struct alert alert = mismatch();

	(void)state;
	alerter_raise(a, &alert);
	alerter_set_config(a, &c);
	free(c.json);
	alerter_raise(a, &alert);
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 1);
	assert_int_equal(lines_of(file_text("other")), 2);
	alerter_free(a);
	alerter_free(NULL);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_string_equal(alert_kind_name(ALERT_MISMATCH), "mismatch");
	assert_string_equal(alert_kind_name(ALERT_WRONG_SOURCE), "wrong-source");
	assert_string_equal(alert_kind_name(ALERT_UPLINK), "uplink");
	assert_null(alert_kind_name((enum alert_kind)99));
}

#define TEST(name) cmocka_unit_test_teardown(name, folder_clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_environment),	  TEST(test_stdin),	     TEST(test_folder),
		TEST(test_exec_failures), TEST(test_children_bound), TEST(test_timeout),
		TEST(test_folds),	  TEST(test_keys),	     TEST(test_clock_back),
		TEST(test_many_keys),	  TEST(test_file),	     TEST(test_file_failures),
		TEST(test_syslog),	  TEST(test_set_config),     TEST(test_kinds),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
