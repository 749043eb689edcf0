/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_answer.c - proves that the daemon's answers are decoded: complete ones, those of another
 * version, invalid ones; and the values of the filter options.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/status/answer.h"
#include "waymark/status/metrics.h"
#include "cli/filter.h"

static void test_whole_answer(void **state)
{
	struct answer a;

	(void)state;
	assert_int_equal(
		answer_parse(
			&a,
			"{\"pid\":7,\"version\":\"1.0\",\"ready\":true,\"mode\":\"steer\","
			"\"started\":\"2026-01-01T00:00:00.000Z\",\"uptime_s\":60,\"flows_live\":5,"
			"\"flows_per_s\":1.5,\"events\":{\"received\":9007199254740993,"
			"\"overruns\":1,"
			"\"parse_errors\":2,\"forged\":3,\"buffer_bytes\":4},\"nflog\":{\"holes\":"
			"6},"
			"\"store\":{\"written\":8,\"last_commit\":null,\"last_error\":\"full\"},"
			"\"alerts\":{\"sent\":9},\"verdicts\":{\"ok\":10,\"mismatch\":11},\"gaps_"
			"open\":12,"
			"\"mismatches\":13,\"uplinks\":[{\"name\":\"wan1\",\"interface\":\"eth0\","
			"\"state\":\"up\",\"addresses\":[\"192.0.2.1/24\",\"fd00::1/"
			"64\"],\"gateway\":null,"
			"\"mark\":2,\"weight\":1,\"flows_live\":4,\"bytes\":5,\"mismatches\":6}]}"),
		0);
	assert_null(a.error);
	assert_true(a.is_ready);
	assert_int_equal(a.pid, 7);
	assert_int_equal(a.uptime_s, 60);
	assert_int_equal(a.events.received, 9007199254740993);
	assert_int_equal(a.nflog.holes, 6);
	assert_null(a.store.last_commit);
	assert_string_equal(a.store.last_error, "full");
	assert_int_equal(a.alerts.sent, 9);
	assert_int_equal(a.verdicts[VERDICT_OK], 10);
	assert_int_equal(a.verdicts[VERDICT_MISMATCH], 11);
	assert_int_equal(a.gaps_open, 12);
	assert_int_equal(a.n_uplinks, 1);
	assert_string_equal(a.uplinks[0].addresses, "192.0.2.1/24,fd00::1/64");
	assert_null(a.uplinks[0].gateway);
	assert_int_equal(a.uplinks[0].bytes, 5);
	answer_free(&a);
}

/* Values not compared or unknown are never shown as a number. */
static void test_coverage(void **state)
{
	struct answer a;

	(void)state;
	assert_int_equal(
		answer_parse(&a,
			     "{\"looks\":3,\"looks_due\":4,\"uplinks\":[{\"name\":\"a\","
			     "\"coverage\":{\"since\":\"2026\","
			     "\"known\":true,\"left_packets\":10,\"seen_packets\":7,\"share\":0.7,"
			     "\"missing\":{\"untracked\":2,\"rules-missing\":1}}},"
			     "{\"name\":\"b\",\"coverage\":null},"
			     "{\"name\":\"c\",\"coverage\":{\"known\":false,\"share\":null,"
			     "\"missing\":null}}]}"),
		0);
	assert_int_equal(a.comparisons, 3);
	assert_int_equal(a.comparisons_due, 4);
	assert_true(a.uplinks[0].coverage.is_there && a.uplinks[0].coverage.is_known);
	assert_int_equal(a.uplinks[0].coverage.left_packets, 10);
	assert_int_equal(a.uplinks[0].coverage.seen_packets, 7);
	assert_true(a.uplinks[0].coverage.share > 0.69);
	assert_int_equal(a.uplinks[0].coverage.missing[CAUSE_UNTRACKED], 2);
	assert_int_equal(a.uplinks[0].coverage.missing[CAUSE_RULES_MISSING], 1);
	assert_false(a.uplinks[1].coverage.is_there);
	assert_true(a.uplinks[1].coverage.share < 0);
	assert_true(a.uplinks[2].coverage.is_there);
	assert_false(a.uplinks[2].coverage.is_known);
	assert_true(a.uplinks[2].coverage.share < 0);
	answer_free(&a);
}

/* All details of a heading are shown when one of them is not 0. */
static void test_details(void **state)
{
	struct answer a = {.flows_untracked = 7, .nflog.orphans = 1};
	char text[64];

	(void)state;
	assert_string_equal(answer_details(&a, "flows", text, sizeof(text)),
			    "0 lost, 7 beyond max-flows");
	assert_string_equal(answer_details(&a, "nflog", text, sizeof(text)), "1 without a flow");
	assert_null(answer_details(&a, "events", text, sizeof(text)));
	assert_string_equal(answer_details(&a, "flows", text, 8), "0 lost,");
}

/* Without a written row there is no delay, not even 0. */
static void test_delays(void **state)
{
	static const char *const answers[] = {
		"{\"store\":{\"event_to_row_p50_ms\":7,\"event_to_row_p99_ms\":1250}}",
		"{\"store\":{\"event_to_row_p50_ms\":null,\"event_to_row_p99_ms\":null}}",
	};
	struct answer a;

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_int_equal(answer_parse(&a, answers[i]), 0);
		assert_int_equal(a.store.p50_ms, i ? -1 : 7);
		metrics_print(out, &a);
		fclose(out);
		assert_int_equal(
			strstr(text, "waymark_history_delay_median_seconds 0.007\n") != NULL, !i);
		assert_int_equal(strstr(text, "waymark_history_delay_p99_seconds 1.250\n") != NULL,
				 !i);
		assert_int_equal(strstr(text, "waymark_history_delay") != NULL, !i);
		free(text);
		answer_free(&a);
	}
}

/* Each bucket of the histogram contains those before it. */
static void test_delays_since_the_start(void **state)
{
	static const char answer[] =
		"{\"event_to_row\":{\"counts\":[3,0,2,0,0,0,0,0,0,0,1],\"sum_ms\":12050}}";
	struct delays d = {.sum_ms = 0};
	struct answer a;
	char *text = NULL, *json;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(answer_parse(&a, answer), 0);
	metrics_print(out, &a);
	fclose(out);
	assert_non_null(strstr(text, "waymark_history_delay_seconds_bucket{le=\"0.005\"} 3\n"));
	assert_non_null(strstr(text, "waymark_history_delay_seconds_bucket{le=\"0.025\"} 5\n"));
	assert_non_null(strstr(text, "waymark_history_delay_seconds_bucket{le=\"10\"} 5\n"));
	assert_non_null(strstr(text, "waymark_history_delay_seconds_bucket{le=\"+Inf\"} 6\n"));
	assert_non_null(strstr(text, "waymark_history_delay_seconds_sum 12.050\n"));
	json = answer_json(&a);
	assert_non_null(strstr(json, "[3,0,2,0,0,0,0,0,0,0,1]"));
	free(json);
	free(text);
	answer_free(&a);
	delays_add(&d, -1);
	delays_add(&d, 5);
	delays_add(&d, 6);
	delays_add(&d, 10001);
	assert_int_equal(d.count[0], 2);
	assert_int_equal(d.count[1], 1);
	assert_int_equal(d.count[DELAY_BUCKETS - 1], 1);
	assert_int_equal(d.sum_ms, 10012);
}

static void test_answers_of_another_version(void **state)
{
	static const char *const answers[] = {
		"{}",
		"[]",
		"{\"pid\":\"seven\",\"events\":[1],\"uplinks\":{\"a\":1}}",
		"{\"uplinks\":[1,null,{\"addresses\":[1,\"a\"]}],\"store\":7,\"new\":{}}",
	};
	struct answer a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		assert_int_equal(answer_parse(&a, answers[i]), 0);
		assert_int_equal(a.pid, 0);
		assert_false(a.is_ready);
		answer_free(&a);
	}
}

static void test_answers_that_are_none(void **state)
{
	struct answer a;

	(void)state;
	assert_int_equal(answer_parse(&a, ""), -EPROTO);
	assert_int_equal(answer_parse(&a, "{\"pid\":"), -EPROTO);
	assert_int_equal(answer_parse(&a, "\"text\""), -EPROTO);
	assert_int_equal(answer_parse(&a, "{\"error\":\"busy\"}"), 0);
	assert_string_equal(a.error, "busy");
	answer_free(&a);
}

#define NOW INT64_C(1700000000000)
static const struct command command = {.name = "flows"};

static enum exit_status filter_of(struct flow_filter *f, enum option_id option, const char *value)
{
	struct invocation in = {.command = &command, .style.format = RENDER_JSON};

	in.values[option] = value;
	return filter_parse(f, &in, NOW);
}

static void test_no_filter_is_anything(void **state)
{
	struct invocation in = {.command = &command, .style.format = RENDER_JSON};
	struct flow_filter f;

	(void)state;
	assert_int_equal(filter_parse(&f, &in, NOW), CLI_DONE);
	assert_false(f.q.is_live);
	assert_int_equal(f.q.since_ms, 0);
	assert_int_equal(f.q.src.addr.family, AF_UNSPEC);
	assert_int_equal(f.q.port, -1);
	assert_int_equal(f.q.proto, -1);
	assert_null(f.q.uplink);
	assert_int_equal(f.q.limit, 0);
}

static void test_filter_values(void **state)
{
	struct flow_filter f;
	char text[PREFIX_STRLEN];

	(void)state;
	assert_int_equal(filter_of(&f, OPTION_SINCE, "10 minutes ago"), CLI_DONE);
	assert_int_equal(f.q.since_ms, NOW - 600000);
	assert_int_equal(filter_of(&f, OPTION_SRC, "192.0.2.77/24"), CLI_DONE);
	assert_string_equal(prefix_format(&f.q.src, text), "192.0.2.0/24");
	assert_int_equal(filter_of(&f, OPTION_DST, "2001:DB8::1"), CLI_DONE);
	assert_string_equal(prefix_format(&f.q.dst, text), "2001:db8::1/128");
	assert_int_equal(filter_of(&f, OPTION_PORT, "65535"), CLI_DONE);
	assert_int_equal(f.q.port, 65535);
	assert_int_equal(filter_of(&f, OPTION_PROTO, "UDP"), CLI_DONE);
	assert_int_equal(f.q.proto, 17);
	assert_int_equal(filter_of(&f, OPTION_PROTO, "255"), CLI_DONE);
	assert_int_equal(f.q.proto, 255);
	assert_int_equal(filter_of(&f, OPTION_VERDICT, "wrong-source"), CLI_DONE);
	assert_int_equal(f.q.verdict, VERDICT_WRONG_SOURCE);
	assert_int_equal(filter_of(&f, OPTION_REASON, "restore-missing"), CLI_DONE);
	assert_int_equal(f.q.reason, REASON_RESTORE_MISSING);
	assert_int_equal(filter_of(&f, OPTION_LIVE, ""), CLI_DONE);
	assert_true(f.q.is_live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_answer),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_delays_since_the_start),
		cmocka_unit_test(test_answers_of_another_version),
		cmocka_unit_test(test_answers_that_are_none),
		cmocka_unit_test(test_no_filter_is_anything),
		cmocka_unit_test(test_filter_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
