/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_render.c - proves that the same rows are correct as a table, JSON and CSV: alignment, width,
 * types, unknown values, text that would break each format; which rows match; sums of usage.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/egress_name.h"
#include "cli/history.h"
#include "cli/commands/usage_sum.h"
#include "cli/filter.h"
#include "cli/render.h"

static const struct column columns[] = {
	{.name = "name"},
	{.name = "count", .type = COLUMN_NUMBER},
	{.name = "note", .is_detail = true},
	{.name = "lines", .type = COLUMN_LIST},
};

static void rows_of(struct render *r, int set)
{
	if (set == 0)
		return;
	render_text(r, "wan1", PAINT_NONE);
	render_number(r, 12345, PAINT_BAD);
	render_text(r, "a \"b\", c\nd\\", PAINT_NONE);
	render_text(r, "10.0.0.1,fe80::1", PAINT_NONE);
	render_text(r, "a-long-name", PAINT_GOOD);
	render_number(r, -7, PAINT_NONE);
	render_unknown(r);
	render_unknown(r);
	if (set == 1)
		return;
	render_text(r, "", PAINT_NONE);
	render_unknown(r);
	render_text(r, "caf\xc3\xa9 \x1b[31m \xff\xed\xa0\x80", PAINT_NONE);
	render_text(r, "", PAINT_NONE);
}

static char *rendered(enum render_format format, bool is_wide, bool has_colour, int set)
{
	struct render_style style = {
		.format = format, .is_wide = is_wide, .has_colour = has_colour};
	struct render *r;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	r = render_new(&style, columns, 4, out);
	assert_non_null(r);
	rows_of(r, set);
	assert_int_equal(render_end(r), 0);
	fclose(out);
	return text;
}

static void assert_rendered(enum render_format format, bool is_wide, bool has_colour, int set,
			    const char *want)
{
	char *text = rendered(format, is_wide, has_colour, set);

	assert_string_equal(text, want);
	free(text);
}

static void test_table_aligns(void **state)
{
	(void)state;
	assert_rendered(RENDER_TABLE, false, false, 1,
			"NAME         COUNT  LINES\n"
			"wan1         12345  10.0.0.1,fe80::1\n"
			"a-long-name     -7  -\n");
}

static void test_table_guards_the_terminal(void **state)
{
	(void)state;
	assert_rendered(RENDER_TABLE, true, false, 2,
			"NAME         COUNT  NOTE             LINES\n"
			"wan1         12345  a \"b\", c?d\\      10.0.0.1,fe80::1\n"
			"a-long-name     -7  -                -\n"
			"-                -  caf\xc3\xa9 ?[31m ????  -\n");
}

static void test_table_paints(void **state)
{
	(void)state;
	assert_rendered(RENDER_TABLE, false, true, 1,
			"NAME         COUNT  LINES\n"
			"wan1         \033[31m12345\033[0m  10.0.0.1,fe80::1\n"
			"\033[32ma-long-name\033[0m     -7  -\n");
}

static void test_table_of_nothing_is_nothing(void **state)
{
	(void)state;
	assert_rendered(RENDER_TABLE, false, false, 0, "");
}

static void test_json_keeps_types(void **state)
{
	(void)state;
	assert_rendered(RENDER_JSON, false, true, 2,
			"[\n"
			" {\"name\": \"wan1\", \"count\": 12345, "
			"\"note\": \"a \\\"b\\\", c\\u000ad\\\\\", "
			"\"lines\": [\"10.0.0.1\",\"fe80::1\"]},\n"
			" {\"name\": \"a-long-name\", \"count\": -7, \"note\": null, "
			"\"lines\": null},\n"
			" {\"name\": \"\", \"count\": null, "
			"\"note\": \"caf\xc3\xa9 \\u001b[31m \\ufffd\\ufffd\\ufffd\\ufffd\", "
			"\"lines\": []}\n"
			"]\n");
}

static void test_json_of_nothing_is_an_array(void **state)
{
	(void)state;
	assert_rendered(RENDER_JSON, false, false, 0, "[]\n");
}

static void test_csv_quotes(void **state)
{
	(void)state;
	assert_rendered(RENDER_CSV, false, true, 1,
			"name,count,note,lines\n"
			"wan1,12345,\"a \"\"b\"\", c\nd\\\",\"10.0.0.1,fe80::1\"\n"
			"a-long-name,-7,,\n");
	assert_rendered(RENDER_CSV, false, false, 0, "name,count,note,lines\n");
}

static void test_long_table_streams(void **state)
{
	static const struct column one[] = {{.name = "n", .type = COLUMN_NUMBER}};
	struct render_style style = {.format = RENDER_TABLE};
	struct render *r;
	char *text = NULL, *line;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int n;

	(void)state;
	r = render_new(&style, one, 1, out);
	for (n = 0; n < 2500; n++)
		render_number(r, n, PAINT_NONE);
	fflush(out);
	assert_true(size > 2400 * 4); /* it does not wait for the end */
	assert_int_equal(render_end(r), 0);
	fclose(out);
	assert_int_equal(strncmp(text, "  N\n  0\n", 8), 0);
	line = text;
	for (n = 0; n < 2501; n++)
		line = strchr(line, '\n') + 1;
	assert_string_equal(line, "");
	assert_non_null(strstr(text, "\n2499\n"));
	free(text);
}

static void test_reports_a_full_disk(void **state)
{
	struct render_style style = {.format = RENDER_JSON};
	FILE *out = fopen("/dev/full", "w");
	struct render *r;

	(void)state;
	assert_non_null(out);
	r = render_new(&style, columns, 4, out);
	rows_of(r, 2);
	assert_int_equal(render_end(r), -ENOSPC);
	fclose(out);
}

/* --- tables --------------------------------------------------------------- */

static const struct column wide_columns[] = {
	{.name = "id", .type = COLUMN_NUMBER}, {.name = "time", .type = COLUMN_TIME},
	{.name = "flow", .is_flow = true},     {.name = "empty"},
	{.name = "reason", .rank = 5},	       {.name = "total", .type = COLUMN_SIZE, .rank = 6},
};

static char *listing_of(const struct render_style *style, int n)
{
	struct render *r;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	setenv("TZ", "UTC0", 1);
	tzset();
	r = render_new(style, wide_columns, 6, out);
	for (int i = 1; i <= n; i++) {
		render_number(r, i, PAINT_NONE);
		render_text(r, i == 1 ? "2026-07-14T09:20:30.456Z" : "2026-07-15T10:20:30.456Z",
			    PAINT_NONE);
		render_text(r, "udp 192.0.2.1:1000 > 198.51.100.1:53", PAINT_NONE);
		render_unknown(r);
		render_text(r, "rule-missing", PAINT_NONE);
		render_number(r, 1536, PAINT_NONE);
	}
	assert_int_equal(render_end(r), 0);
	fclose(out);
	return text;
}

#define THAT_DAY 1784110830456LL /* 2026-07-15T10:20:30.456Z */

static void assert_listed(unsigned width, bool is_last_first, int n, const char *want)
{
	struct render_style style = {.format = RENDER_TABLE,
				     .width = width,
				     .is_last_first = is_last_first,
				     .now_ms = THAT_DAY};
	char *text = listing_of(&style, n);

	assert_string_equal(text, want);
	free(text);
}

static void test_table_fits_the_terminal(void **state)
{
	(void)state;
	assert_listed(
		0, false, 2,
		"ID  TIME             FLOW                                  REASON        TOTAL\n"
		" 1  Jul 14 09:20:30  udp 192.0.2.1:1000 > 198.51.100.1:53  rule-missing   1.5K\n"
		" 2  10:20:30         udp 192.0.2.1:1000 > 198.51.100.1:53  rule-missing   1.5K\n");
	/* Drop the total, then the reason, then cut the flow. */
	assert_listed(75, false, 1,
		      "ID  TIME             FLOW                                  REASON\n"
		      " 1  Jul 14 09:20:30  udp 192.0.2.1:1000 > 198.51.100.1:53  rule-missing\n");
	assert_listed(60, false, 1,
		      "ID  TIME             FLOW\n"
		      " 1  Jul 14 09:20:30  udp 192.0.2.1:1000 > 198.51.100.1:53\n");
	/* The source port is dropped first. */
	assert_listed(52, false, 1,
		      "ID  TIME             FLOW\n"
		      " 1  Jul 14 09:20:30  udp 192.0.2.1 > 198.51.100.1:53\n");
	assert_listed(40, false, 1,
		      "ID  TIME             FLOW\n"
		      " 1  Jul 14 09:20:30  udp 192.0.2.1 > 19\xe2\x80\xa6\n");
}

/* When a flow and a path compete, the destination's port is kept, and the path is cut. */
static void test_flows_keep_their_destination(void **state)
{
	static const struct column two[] = {{.name = "flow", .is_flow = true}, {.name = "path"}};
	const struct render_style style = {.format = RENDER_TABLE, .width = 45};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct render *r = render_new(&style, two, 2, out);

	(void)state;
	render_text(r, "udp 192.0.2.1:1000 > 198.51.100.1:53", PAINT_NONE);
	render_text(r, "cable>fibre,lte", PAINT_NONE);
	assert_int_equal(render_end(r), 0);
	fclose(out);
	assert_string_equal(text, "FLOW                             PATH\n"
				  "udp 192.0.2.1 > 198.51.100.1:53  cable>fibre\xe2\x80\xa6\n");
	free(text);
}

static void test_table_in_the_opposite_order(void **state)
{
	(void)state;
	assert_listed(60, true, 2,
		      "ID  TIME             FLOW\n"
		      " 2  10:20:30         udp 192.0.2.1:1000 > 198.51.100.1:53\n"
		      " 1  Jul 14 09:20:30  udp 192.0.2.1:1000 > 198.51.100.1:53\n");
}

static void test_csv_defuses_formulas(void **state)
{
	static const struct column one[] = {{.name = "name"}};
	static const char *const cells[][2] = {
		{"=1+1", "'=1+1"}, {"@x", "'@x"},	  {"-cmd", "'-cmd"}, {"-5", "-5"},
		{"+1.5", "+1.5"},  {"+a,b", "'\"+a,b\""}, {"a=b", "a=b"},    {"\t=1", "'\t=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
		struct render_style style = {.format = RENDER_CSV};
		char *text = NULL, want[64];
		size_t size;
		FILE *out = open_memstream(&text, &size);
		struct render *r = render_new(&style, one, 1, out);

		render_text(r, cells[i][0], PAINT_NONE);
		assert_int_equal(render_end(r), 0);
		fclose(out);
		snprintf(want, sizeof(want), "name\n%s\n", cells[i][1]);
		assert_string_equal(text, want);
		free(text);
	}
}

static void test_numbers_have_few_digits(void **state)
{
	static const struct column two[] = {{.name = "share", .type = COLUMN_NUMBER},
					    {.name = "real", .type = COLUMN_NUMBER}};
	struct render_style style = {.format = RENDER_JSON};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct render *r = render_new(&style, two, 2, out);

	(void)state;
	render_share(r, 0.99999, PAINT_NONE);
	render_real(r, 1.0 / 3, PAINT_NONE);
	assert_int_equal(render_end(r), 0);
	fclose(out);
	assert_string_equal(text, "[\n {\"share\": 0.9999, \"real\": 0.333}\n]\n");
	free(text);
}

/* --- filters of rows ------------------------------------------------------------------------ */

#define TEXT(n, t)                                                                                 \
	{                                                                                          \
		.name = (n), .kind = VALUE_TEXT, .text = (t)                                       \
	}
#define NUMBER(n, i)                                                                               \
	{                                                                                          \
		.name = (n), .kind = VALUE_INTEGER, .integer = (i)                                 \
	}

static const struct value a_flow[] = {
	NUMBER("id", 7),
	TEXT("started", "2026-07-15T10:00:00.000Z"),
	TEXT("ended", "2026-07-15T10:20:00.000Z"),
	TEXT("state", "ended"),
	TEXT("proto", "tcp"),
	TEXT("src", "192.168.1.10"),
	NUMBER("sport", 4000),
	TEXT("dst", "203.0.113.10"),
	NUMBER("dport", 443),
	TEXT("nat_src", "198.51.100.2"),
	NUMBER("nat_sport", 4001),
	TEXT("egress", "wan1,wan2"),
	TEXT("verdict", "ok"),
	NUMBER("packets_reply", 0),
	NUMBER("bytes", 600),
	NUMBER("bytes_reply", 400),
};
#define N_A_FLOW (sizeof(a_flow) / sizeof(*a_flow))
#define MINUTE	 60000LL
#define BEGUN	 (THAT_DAY - 30456 - 20 * MINUTE)

static struct flow_filter anything(void)
{
	struct flow_filter f = {.sport = -1, .dport = -1, .now_ms = BEGUN + 60 * MINUTE};

	query_filter_init(&f.q);
	return f;
}

static bool fits(const struct flow_filter *f)
{
	return filter_fits_row(f, a_flow, N_A_FLOW) && filter_fits_flow(f, a_flow, N_A_FLOW);
}

/* A flow of 20 minutes matches each of these minutes. */
static void test_interval_means_overlap(void **state)
{
	static const struct {
		int since, until; /* minutes after the start; -1: none */
		bool fits;
	} cases[] = {{10, 11, true}, {-1, -1, true}, {19, 60, true},  {21, 60, false},
		     {-1, 1, true},  {-1, 0, false}, {25, -1, false}, {5, -1, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct flow_filter f = anything();

		f.q.since_ms = cases[i].since < 0 ? 0 : BEGUN + cases[i].since * MINUTE;
		f.q.until_ms = cases[i].until < 0 ? 0 : BEGUN + cases[i].until * MINUTE;
		assert_int_equal(fits(&f), cases[i].fits);
	}
}

static void test_filters_of_flows(void **state)
{
	struct flow_filter f = anything();

	(void)state;
	f.started_since_ms = BEGUN;
	assert_true(fits(&f));
	f.started_since_ms = BEGUN + 1;
	assert_false(fits(&f));
	f = anything();
	assert_int_equal(prefix_parse(&f.host, "198.51.100.0/24"), 0);
	assert_true(fits(&f));
	assert_int_equal(prefix_parse(&f.host, "2001:db8::/32"), 0);
	assert_false(fits(&f));
	f = anything();
	f.egress = "wan2";
	assert_true(fits(&f));
	f.egress = "wan";
	assert_false(fits(&f));
	f = anything();
	f.sport = 4001; /* after NAT */
	assert_true(fits(&f));
	f.dport = 444;
	assert_false(fits(&f));
	f = anything();
	f.min_bytes = 1000;
	f.min_duration_ms = 20 * MINUTE;
	f.is_unanswered = true;
	assert_true(fits(&f));
	f.min_bytes = 1001;
	assert_false(fits(&f));
	f = anything();
	f.min_duration_ms = 20 * MINUTE + 1;
	assert_false(fits(&f));
	f = anything();
	f.q.is_live = true;
	assert_false(fits(&f));
}

/* Of 100 bins the largest five are left out; a month starts in local time. */
static void test_usage_is_summed(void **state)
{
	struct usage_bins bins = {0};
	struct usage_sum *sums;
	size_t n;

	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	for (int i = 0; i < 100; i++)
		assert_int_equal(usage_add(&bins, "wan1", BEGUN + i * 5 * MINUTE, 300 * (i + 1), 1),
				 0);
	assert_int_equal(usage_add(&bins, "wan2", BEGUN, 300, 600), 0);
	assert_int_equal(usage_sums(&bins, USAGE_MONTH, 0, &sums, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(sums[0].uplink, "wan1");
	assert_true(sums[0].time_ms == 1782864000000LL); /* 2026-07-01 */
	assert_true(sums[0].bytes[0] == 300 * 5050 && sums[0].bytes[1] == 100);
	assert_true(sums[0].peak[0] == 800 && sums[0].p95[0] == 95 * 8);
	assert_true(sums[1].peak[1] == 16);
	free(sums);
	assert_int_equal(usage_sums(&bins, USAGE_5MIN, 0, &sums, &n), 0);
	assert_int_equal(n, 101);
	free(sums);
	assert_true(usage_since(&bins, "wan1", BEGUN + 99 * 5 * MINUTE) == 300 * 100 + 1);
	usage_clear(&bins);
}

/* --- paths ----------------------------------------------------------------------------------- */

static char *path_of(const char *uplink, const char *egress)
{
	static const struct column path_columns[] = {{.name = "path"}};
	const struct value values[] = {
		{.name = "uplink", .kind = VALUE_TEXT, .text = uplink},
		{.name = "egress", .kind = VALUE_TEXT, .text = egress},
		{.name = "verdict", .kind = VALUE_TEXT, .text = "mismatch"},
	};
	struct render_style style = {.format = RENDER_TABLE};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct render *r = render_new(&style, path_columns, 1, out);

	brief_path(r, values, 3);
	render_end(r);
	fclose(out);
	return text;
}

/* The uplink's own interface is no stray egress; others are named after their uplinks. */
static void test_paths_name_uplinks(void **state)
{
	char *text;

	(void)state;
	egress_names_clear();
	egress_name_add("cable", "wan2");
	egress_name_add("fibre", "wan1");
	egress_name_add("cable", "wan9");
	text = path_of("cable", "wan1,wan2,tun0,wan9");
	assert_string_equal(text, "PATH\ncable\xe2\x86\x92"
				  "fibre,tun0\n");
	free(text);
	egress_names_clear();
	text = path_of("wan2", "wan1,wan2");
	assert_string_equal(text, "PATH\nwan2\xe2\x86\x92"
				  "wan1\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_name_uplinks),
		cmocka_unit_test(test_table_aligns),
		cmocka_unit_test(test_table_guards_the_terminal),
		cmocka_unit_test(test_table_paints),
		cmocka_unit_test(test_table_of_nothing_is_nothing),
		cmocka_unit_test(test_json_keeps_types),
		cmocka_unit_test(test_json_of_nothing_is_an_array),
		cmocka_unit_test(test_csv_quotes),
		cmocka_unit_test(test_long_table_streams),
		cmocka_unit_test(test_reports_a_full_disk),
		cmocka_unit_test(test_table_fits_the_terminal),
		cmocka_unit_test(test_flows_keep_their_destination),
		cmocka_unit_test(test_table_in_the_opposite_order),
		cmocka_unit_test(test_csv_defuses_formulas),
		cmocka_unit_test(test_numbers_have_few_digits),
		cmocka_unit_test(test_interval_means_overlap),
		cmocka_unit_test(test_filters_of_flows),
		cmocka_unit_test(test_usage_is_summed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
