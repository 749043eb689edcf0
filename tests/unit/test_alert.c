/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_alert.c - proves that alerts are aggregated by the times passed in, sent to a file, a FIFO
 * and a log socket, and that the table of keys is bounded.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "alert/aggregation.h"
#include "alert/aggregation.h"
#include "alert/body.h"
#include "alert/silence.h"
#include "alert/syslog.h"
#include "alert_lab.h"

#define MINUTE 60000

/* --- aggregation --------------------------------------------------------------- */

static void raise_at(struct alerter *a, int64_t time_ms, int64_t flow_id)
{
	struct alert alert = mismatch();

	alert.time_ms = time_ms;
	alert.flow_id = flow_id;
	alerter_raise(a, &alert);
}

/* Return the n-th line of the JSON file, from 0; NULL: there is none. */
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

static void test_aggregates(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);
	json_t *object;

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
	assert_line(1, 51, 50); /* the newest one, with the number of suppressed ones */
	/* after a summary the interval starts again */
	raise_at(a, T0 + MINUTE + 5, 100);
	alerter_tick(a, T0 + 2 * MINUTE - 1);
	assert_int_equal(lines_of(file_text("lines")), 2);
	/* an alert after the interval includes the suppressed ones */
	raise_at(a, T0 + 2 * MINUTE, 101);
	assert_int_equal(lines_of(file_text("lines")), 3);
	assert_line(2, 101, 2);
	/* quiet for two intervals */
	alerter_tick(a, T0 + 4 * MINUTE - 1);
	assert_int_equal(lines_of(file_text("lines")), 3);
	alerter_tick(a, T0 + 4 * MINUTE);
	assert_int_equal(lines_of(file_text("lines")), 4);
	object = line_json(3);
	assert_text(object, "state", "over");
	assert_text(object, "severity", "notice");
	assert_true(strstr(
		json_string_value(json_object_get(object, "text")),
		"mismatch for wan1, egress eth2, rule-missing: none in the last 120 s; 53 in "
		"total since 20"));
	assert_integer(object, "total", 53);
	json_decref(object);
	alerter_tick(a, T0 + 9 * MINUTE);
	assert_int_equal(lines_of(file_text("lines")), 4);
	/* then it is new again */
	raise_at(a, T0 + 10 * MINUTE, 102);
	assert_line(4, 102, 1);
	object = line_json(4);
	assert_text(object, "state", "raised");
	assert_text(object, "severity", "critical");
	assert_integer(object, "total", 1);
	json_decref(object);
	assert_int_equal(stats_of(a).raised, 54);
	assert_int_equal(stats_of(a).sent, 5);
	assert_int_equal(stats_of(a).aggregated, 51);
	alerter_free(a);
}

/* Further packets of a reported flow raise no alert and end none. */
static void test_continues(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);
	struct alert alert = mismatch();
	json_t *object;

	(void)state;
	assert_false(alerter_goes_on(a, &alert));
	raise_at(a, T0, 1);
	alert.time_ms = T0 + MINUTE;
	assert_true(alerter_goes_on(a, &alert));
	alerter_tick(a, T0 + 3 * MINUTE - 1);
	assert_int_equal(lines_of(file_text("lines")), 1);
	alerter_tick(a, T0 + 3 * MINUTE);
	assert_int_equal(lines_of(file_text("lines")), 2);
	object = line_json(1);
	assert_text(object, "state", "over");
	assert_integer(object, "total", 1);
	json_decref(object);
	assert_false(alerter_goes_on(a, &alert));
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
	/* these are not part of the key */
	alert.proto = 17;
	alert.mark = 9;
	alert.evidence = NULL;
	strcpy(alert.text, "other");
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 6);
	/* the summary is sent at the end, so that nothing is lost */
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

static void raise_key(struct alerter *a, int i, int64_t time_ms)
{
	struct alert alert = mismatch();

	snprintf(alert.expected, sizeof(alert.expected), "u%d", i);
	alert.time_ms = time_ms;
	alerter_raise(a, &alert);
}

static void assert_sum(struct alerter *a)
{
	struct alerter_stats s = stats_of(a);

	assert_int_equal(s.raised, s.sent - s.summaries + s.aggregated);
}

/* With more keys than the table holds, the further ones share one alert per interval in any
 * order; after the interval the oldest keys are evicted, and their suppressed alerts are sent. */
static void test_many_keys(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);

	(void)state;
	raise_at(a, T0 - 10, 1);
	raise_at(a, T0 - 9, 2);
	for (int i = 0; i < AGGREGATION_MAX; i++)
		raise_key(a, i, T0 + i);
	assert_int_equal(stats_of(a).reused, 0);
	assert_int_equal(lines_of(file_text("lines")), AGGREGATION_MAX + 1);
	assert_non_null(strstr(file_text("lines"), "many-kinds"));
	for (int i = 0; i < 100000; i++)
		raise_key(a, i % 1000, T0 + 1000);
	assert_int_equal(lines_of(file_text("lines")), AGGREGATION_MAX + 1);
	assert_int_equal(stats_of(a).sent, AGGREGATION_MAX + 1);
	assert_int_equal(stats_of(a).aggregated, 100001);
	assert_sum(a);
	/* one each for u0 to u254, one for all others, and one for the first */
	alerter_tick(a, T0 + MINUTE + 1000);
	assert_int_equal(stats_of(a).summaries, AGGREGATION_MAX + 1);
	assert_sum(a);
	alerter_free(a);
}

/* After its interval the least recently sent key is evicted, and its alerts are sent. */
static void test_key_gives_way(void **state)
{
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);

	(void)state;
	raise_key(a, 0, T0);
	raise_key(a, 0, T0 + 1);
	for (int i = 1; i < AGGREGATION_MAX; i++)
		raise_key(a, i, T0 + 2);
	raise_key(a, AGGREGATION_MAX, T0 + MINUTE + 1);
	assert_int_equal(stats_of(a).reused, 1);
	assert_int_equal(stats_of(a).summaries, 1);
	assert_int_equal(lines_of(file_text("lines")), AGGREGATION_MAX + 2);
	assert_null(strstr(file_text("lines"), "many-kinds"));
	assert_sum(a);
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
	check_json_fails(path_in("fifo"), 1000, "temporarily unavailable"); /* a slow reader */
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, '{');
	close(fd);
}

static int log_bind(struct sockaddr_un *address, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", folder, name);
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	return fd;
}

/* Each fact is a field, an unknown fact has none, and a newline in a text does not start another
 * field. */
static void test_journal(void **state)
{
	struct facts facts;
	const struct alert_identity identity = {.host = "gw1", .router = "gw1"};
	struct sockaddr_un address;
	struct sink_status s = {0};
	struct alert alert = mismatch();
	int fd = log_bind(&address, "journal");
	char text[4096];
	ssize_t n;

	(void)state;
	assert_true(journal_is_there(address.sun_path));
	assert_false(journal_is_there("/nonexistent/journal"));
	alert.reason = "odd\nMESSAGE=forged";
	facts_fill(&facts, &alert, &identity);
	journal_write(address.sun_path, &alert, &facts, &s);
	assert_int_equal(s.failed, 0);
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_memory_equal(text, "MESSAGE=mismatch: flow 77 left by", 33);
	assert_non_null(
		strstr(text, "\nPRIORITY=2\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=waymarkd\n"));
	assert_non_null(strstr(text, "\nWAYMARK_KIND=mismatch\n"));
	assert_non_null(strstr(text, "\nWAYMARK_FLOW_ID=77\n"));
	assert_null(strstr(text, "\nPATH="));
	assert_null(strstr(text, "=\n"));
	/* A zero byte of the length field ends the text here: 18 characters. */
	assert_memory_equal(strstr(text, "\nWAYMARK_REASON\n"),
			    "\nWAYMARK_REASON\n\22\0\0\0\0\0\0\0odd\nMESSAGE=forged\n", 43);
	close(fd);
	journal_write(address.sun_path, &alert, &facts, &s);
	assert_int_equal(s.failed, 1);
	assert_non_null(strstr(s.last_error, "journal"));
}

/* The socket of a log daemon that is stopped: its queue is full after some messages, and each
 * further one is counted as failed at once. */
static void test_log_socket_is_not_read(void **state)
{
	const struct alert_identity identity = {.host = "gw1", .router = "gw1"};
	struct sockaddr_un address;
	struct sink_status journal = {0}, syslog = {0};
	struct alert alert = mismatch();
	struct facts facts;
	int fd = log_bind(&address, "unread");

	(void)state;
	facts_fill(&facts, &alert, &identity);
	alarm(60); /* ends a test that waits for it */
	for (int i = 0; i < 5000 && !journal.failed; i++)
		journal_write(address.sun_path, &alert, &facts, &journal);
	syslog_write(address.sun_path, &alert, &syslog);
	alarm(0);
	assert_int_equal(journal.failed, 1);
	assert_int_equal(syslog.failed, 1);
	assert_non_null(strstr(syslog.last_error, "temporarily unavailable"));
	close(fd);
}

static void test_syslog(void **state)
{
	struct sockaddr_un address;
	struct sink_status s = {0};
	struct alert alert = mismatch();
	int fd = log_bind(&address, "log");
	char text[1024];
	ssize_t n;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	alert.count = 3;
	syslog_write(address.sun_path, &alert, &s);
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	/* LOG_DAEMON | LOG_CRIT is 26 */
	assert_memory_equal(text, "<26>Jul 15 10:20:30 waymarkd[", 29);
	assert_non_null(strstr(text, "]: mismatch: flow 77 left by"));
	assert_non_null(strstr(text, "(3 times; this is the newest one)"));
	assert_int_equal(s.failed, 0);
	/* no process reads: sending fails without waiting */
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

/* An alert of an uplink that is down is over when the uplink is up again, however long that takes
 * and whatever the reasons were; quiet does not end it. */
static void test_lasting(void **state)
{
	struct alert alert = {.kind = ALERT_UPLINK,
			      .time_ms = T0,
			      .uplink = "wan1",
			      .reason = "down",
			      .evidence = "",
			      .direction = -1,
			      .text = "uplink wan1 is down"};
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);
	json_t *object;

	(void)state;
	alerter_raise(a, &alert);
	alerter_tick(a, T0 + 100 * MINUTE);
	assert_int_equal(lines_of(file_text("lines")), 1);
	alert.reason = "no-gateway";
	alerter_raise(a, &alert);
	snprintf(alert.uplink, sizeof(alert.uplink), "wan2");
	alerter_raise(a, &alert);
	snprintf(alert.uplink, sizeof(alert.uplink), "wan1");
	alert.state = ALERT_OVER;
	alert.time_ms = T0 + 101 * MINUTE;
	alert.reason = "up";
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 4);
	object = line_json(3);
	assert_text(object, "state", "over");
	assert_text(object, "severity", "notice");
	assert_text(object, "uplink", "wan1");
	assert_text(object, "since", "2026-07-15T10:20:30.456Z");
	assert_integer(object, "total", 2);
	json_decref(object);
	/* the next alert is new, and is sent at once */
	alert.state = ALERT_RAISED;
	alert.reason = "down";
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 5);
	alerter_free(a);
}

static unsigned recorded;

static void alert_record(void *data, const struct alert *alert)
{
	(void)data;
	(void)alert;
	recorded++;
}

/* A silenced alert is recorded and counted but not sent, only during the silence and only for its
 * uplink. */
static void test_silence(void **state)
{
	const struct alert_outbox outbox = {.record = alert_record};
	struct alerter *a = alerter_with(NULL, path_in("lines"), 60);
	struct alert alert = mismatch();

	(void)state;
	recorded = 0;
	alerter_set_outbox(a, &outbox);
	alerter_silence(a, "wan1", T0 + MINUTE, "user root");
	alerter_raise(a, &alert);
	assert_null(file_text("lines"));
	assert_int_equal(recorded, 1);
	assert_int_equal(stats_of(a).silenced, 1);
	snprintf(alert.expected, sizeof(alert.expected), "wan3");
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 1);
	snprintf(alert.expected, sizeof(alert.expected), "wan1");
	alert.time_ms = T0 + MINUTE;
	alerter_tick(a, alert.time_ms);
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 2);
	alerter_silence(a, "", T0 + 3 * MINUTE, "user root");
	alert.time_ms = T0 + 2 * MINUTE;
	alerter_raise(a, &alert);
	assert_int_equal(lines_of(file_text("lines")), 2);
	alerter_free(a);
}

/* The labels by which Alertmanager identifies an alert are the same when it is over. */
static void test_alertmanager(void **state)
{
	struct alert alert = mismatch();
	const struct alert_identity identity = {.host = "h", .router = "gw1"};
	struct facts facts;
	json_t *raised_body, *over_body, *raised, *over;
	char *text;

	(void)state;
	alert.since_ms = T0 - MINUTE;
	facts_fill(&facts, &alert, &identity);
	text = body_alertmanager(&facts, &alert);
	raised_body = json_loads(text, 0, NULL);
	free(text);
	alert.state = ALERT_OVER;
	alert.count = 7;
	facts_fill(&facts, &alert, &identity);
	text = body_alertmanager(&facts, &alert);
	over_body = json_loads(text, 0, NULL);
	free(text);
	raised = json_array_get(raised_body, 0);
	over = json_array_get(over_body, 0);
	assert_true(json_equal(json_object_get(raised, "labels"), json_object_get(over, "labels")));
	assert_text(json_object_get(raised, "labels"), "severity", "critical");
	assert_text(json_object_get(raised, "labels"), "expected", "wan1");
	assert_text(json_object_get(raised, "labels"), "router", "gw1");
	assert_text(raised, "startsAt", "2026-07-15T10:19:30.456Z");
	assert_text(raised, "endsAt", "2026-07-16T10:20:30.456Z");
	assert_text(over, "endsAt", "2026-07-15T10:20:30.456Z");
	json_decref(raised_body);
	json_decref(over_body);
}

static void test_template(void **state)
{
	struct alert alert = mismatch();
	struct facts facts;
	char *text;

	(void)state;
	snprintf(alert.text, sizeof(alert.text), "a \"quoted\" word");
	facts_fill(&facts, &alert, &(struct alert_identity){.host = "h"});
	text = body_template("{\"text\": \"{{kind}} on {{host}}: {{text}}\", \"x\": \"{{no}} {{\"}",
			     &facts);
	assert_string_equal(text, "{\"text\": \"mismatch on h: a \\\"quoted\\\" word\", "
				  "\"x\": \"{{no}} {{\"}");
	free(text);
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
		TEST(test_aggregates),
		TEST(test_continues),
		TEST(test_keys),
		TEST(test_clock_back),
		TEST(test_many_keys),
		TEST(test_file),
		TEST(test_file_failures),
		TEST(test_key_gives_way),
		TEST(test_syslog),
		TEST(test_journal),
		TEST(test_log_socket_is_not_read),
		TEST(test_set_config),
		TEST(test_kinds),
		TEST(test_lasting),
		TEST(test_silence),
		TEST(test_alertmanager),
		TEST(test_template),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
