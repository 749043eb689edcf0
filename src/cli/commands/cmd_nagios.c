/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_nagios.c - `waymark nagios`: a monitoring plugin that reads the history and the
 * daemon. It prints a status line with performance data and returns an exit status
 * (Monitoring Plugins guidelines: 0 ok, 1 warning, 2 critical, 3 unknown).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/base/clock.h"
#include "waymark/base/units.h"
#include "waymark/status/answer.h"
#include "cli/cli.h"
#include "cli/database.h"
#include "cli/client.h"
#include "cli/history.h"
#include "cli/commands/thresholds.h"
#include "waymark/base/times.h"

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

/* Stop counting mismatches, gaps or flows at this number. */
#define COUNT_MAX 100000

struct survey {
	struct thresholds warning, critical;
	int64_t minutes, now_ms;
	int64_t value[MEASURES]; /* measured values, by enum measure; -1: unknown */
	const char *trouble;	 /* why the history or the daemon is not usable; NULL: both are */
	struct answer answer;	 /* the daemon's status, which contains the coverage; empty if no
				  * daemon answered */
	enum level level;
};

static const char *const units[MEASURES] = {"", "", "", "%", "s"};

static int one_counted(void *data, const struct value *values, size_t n)
{
	(void)values;
	(void)n;
	*(int64_t *)data += 1;
	return 0;
}

static int history_count(struct survey *s, struct query *q)
{
	struct query_filter f;
	int err;

	query_filter_init(&f);
	f.since_ms = s->now_ms - s->minutes * 60000;
	f.limit = COUNT_MAX;
	s->value[MEASURE_MISMATCHES] = s->value[MEASURE_UNMARKED] = s->value[MEASURE_GAPS] = 0;
	err = query_mismatches(q, &f, one_counted, &s->value[MEASURE_MISMATCHES]);
	if (!err)
		err = query_gaps(q, &f, one_counted, &s->value[MEASURE_GAPS]);
	f.verdict = VERDICT_UNMARKED;
	if (!err)
		err = query_flows(q, &f, one_counted, &s->value[MEASURE_UNMARKED]);
	return err;
}

static void history_survey(struct survey *s, const char *path)
{
	struct query *q = history_open(path);

	if (!q || history_count(s, q) < 0) {
		s->trouble = "the history cannot be read";
		s->level = LEVEL_UNKNOWN;
	}
	query_close(q);
}

static void daemon_take(struct survey *s, const struct answer *a)
{
	int64_t last_ms = 0;

	if (a->store.capacity > 0)
		s->value[MEASURE_QUEUE] = a->store.depth * 100 / a->store.capacity;
	if (a->last_event && !times_parse_since(a->last_event, s->now_ms, &last_ms))
		s->value[MEASURE_AGE] = last_ms < s->now_ms ? (s->now_ms - last_ms) / 1000 : 0;
	/* Count at least the gaps that the daemon reports as open: the history might not have them
	 * yet. */
	if (a->gaps_open > s->value[MEASURE_GAPS])
		s->value[MEASURE_GAPS] = a->gaps_open;
	if (!a->is_ready) {
		s->trouble = "the daemon is not ready";
		s->level = LEVEL_CRITICAL;
	}
}

static void daemon_survey(struct survey *s, const char *path)
{
	int err = client_answer(path, "status", &s->answer);

	if (err) {
		s->trouble = err == -ENOENT || err == -ECONNREFUSED ? "the daemon is not running"
								    : "the daemon does not answer";
		s->level = LEVEL_CRITICAL;
		return;
	}
	daemon_take(s, &s->answer);
}

static void levels_judge(struct survey *s)
{
	for (int m = 0; m < MEASURES; m++) {
		enum level level = LEVEL_OK;

		if (s->value[m] < 0)
			continue;
		if (s->critical.at[m] >= 0 && s->value[m] >= s->critical.at[m])
			level = LEVEL_CRITICAL;
		else if (s->warning.at[m] >= 0 && s->value[m] >= s->warning.at[m])
			level = LEVEL_WARNING;
		if (level > s->level)
			s->level = level;
	}
}

/* Print the coverage, because a count of 0 mismatches says nothing about packets that were not
 * observed. */
static void coverage_print(const struct survey *s)
{
	const char *separator = "; coverage since the start:";

	if (!s->answer.n_uplinks)
		fputs("; coverage unknown", stdout);
	for (size_t i = 0; i < s->answer.n_uplinks; i++) {
		const struct answer_uplink *u = &s->answer.uplinks[i];

		printf("%s %s ", separator, u->name ? u->name : "?");
		if (!u->coverage.is_there)
			fputs("not compared yet", stdout);
		else if (!u->coverage.is_known)
			fputs("not known", stdout);
		else if (u->coverage.share < 0)
			fputs("nothing sent", stdout);
		else
			printf("%.2f%%", u->coverage.share * 100);
		separator = ",";
	}
}

/* Print each uplink whose state an operator or the uplink's health decides. */
static void decisions_print(const struct survey *s)
{
	for (size_t i = 0; i < s->answer.n_uplinks; i++) {
		const struct answer_uplink *u = &s->answer.uplinks[i];

		if (u->decision)
			printf("; %s: %s, decided by %s", u->name, u->decision,
			       u->decided_by ? u->decided_by : "?");
		else if (u->cause && !strcmp(u->cause, "health"))
			printf("; %s: %s, decided by its health", u->name, u->state);
	}
}

static void coverage_data_print(const struct survey *s)
{
	for (size_t i = 0; i < s->answer.n_uplinks; i++) {
		const struct answer_uplink *u = &s->answer.uplinks[i];

		if (u->coverage.is_there && u->coverage.share >= 0)
			printf(" 'coverage_%s'=%.2f%%;;;0;100", u->name, u->coverage.share * 100);
	}
}

static void line_print(const struct survey *s)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
	const char *comma = "";

	printf("WAYMARK %s - ", words[s->level]);
	if (s->trouble)
		printf("%s; ", s->trouble);
	for (int m = 0; m < MEASURES; m++) {
		if (s->value[m] < 0)
			continue;
		printf("%s%s %" PRId64 "%s", comma, measure_names[m], s->value[m], units[m]);
		comma = ", ";
	}
	printf("%sin %" PRId64 " minutes", *comma ? " " : "no data ", s->minutes);
	coverage_print(s);
	decisions_print(s);
	fputs(" |", stdout);
	for (int m = 0; m < MEASURES; m++) {
		if (s->value[m] < 0)
			continue;
		printf(" %s=%" PRId64 "%s;", measure_names[m], s->value[m], units[m]);
		if (s->warning.at[m] >= 0)
			printf("%" PRId64, s->warning.at[m]);
		putchar(';');
		if (s->critical.at[m] >= 0)
			printf("%" PRId64, s->critical.at[m]);
		fputs(m == MEASURE_QUEUE ? ";0;100" : ";0;", stdout);
	}
	coverage_data_print(s);
	putchar('\n');
}

static int refuse(const char *what, const char *text, const char *wanted)
{
	printf("WAYMARK UNKNOWN - --%s \"%s\": expected %s\n", what, text, wanted);
	return -EINVAL;
}

static int options_read(struct survey *s, const struct invocation *in)
{
	static const char wanted[] =
		"one or more of mismatches=N,unmarked=N,gaps=N,queue=PERCENT,age=SECONDS";
	const char *warning = in->values[OPTION_WARNING], *critical = in->values[OPTION_CRITICAL];
	const char *minutes = in->values[OPTION_MINUTES];
	uint64_t number;

	if (warning && thresholds_parse(&s->warning, warning))
		return refuse("warning", warning, wanted);
	if (critical && thresholds_parse(&s->critical, critical))
		return refuse("critical", critical, wanted);
	if (!minutes)
		return 0;
	if (number_parse(&number, minutes, 525600) || !number)
		return refuse("minutes", minutes, "a number of minutes, 1 to 525600");
	s->minutes = (int64_t)number;
	return 0;
}

/* Run the plugin. Return the exit status that monitoring plugins use, which differs from the exit
 * status of other commands. */
enum exit_status cmd_nagios(const struct invocation *in)
{
	struct survey s = {
		.warning = {{-1, 1, 1, 50, -1}},
		.critical = {{1, -1, -1, 90, -1}},
		.minutes = 5,
		.now_ms = clock_now_ms(),
		.value = {-1, -1, -1, -1, -1},
	};
	char *socket, *database;

	if (options_read(&s, in))
		return (enum exit_status)LEVEL_UNKNOWN;
	socket = cli_socket(in);
	if (!socket) {
		puts("WAYMARK UNKNOWN - the configuration cannot be read");
		return (enum exit_status)LEVEL_UNKNOWN;
	}
	if (database_find(in, &database) == CLI_DONE)
		history_survey(&s, database);
	if (s.level != LEVEL_UNKNOWN)
		daemon_survey(&s, socket);
	levels_judge(&s);
	line_print(&s);
	answer_free(&s.answer);
	free(database);
	free(socket);
	return (enum exit_status)s.level;
}
