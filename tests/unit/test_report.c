/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_report.c - proves the text, numbers, times and picture of a report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/report/report.h"

struct page {
	char text[256];
	FILE *out;
};

static FILE *page_open(struct page *p)
{
	memset(p->text, 0, sizeof(p->text));
	p->out = fmemopen(p->text, sizeof(p->text), "w");
	assert_non_null(p->out);
	return p->out;
}

static void page_is(struct page *p, const char *expected)
{
	fclose(p->out);
	assert_string_equal(p->text, expected);
}

static void test_escape(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"wan1", "wan1"},
		{"<b>&\"'", "&lt;b&gt;&amp;&quot;&#39;"},
		{"]]>", "]]&gt;"},
		{"\a\t\n\x7f", "????"},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa6",
		 "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa6"},
		{"\xff\xc3", "??"},
		{"\xc3<", "?&lt;"},
		{"\xe2\x82<", "??&lt;"},
		{"\xc0\xbc", "??"},
	};
	struct page p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		report_escape(page_open(&p), cases[i][0]);
		page_is(&p, cases[i][1]);
	}
}

struct number {
	int64_t value;
	const char *text;
};

static void numbers_are(report_format_fn *format, const struct number *n)
{
	struct page p;

	for (; n->text; n++) {
		format(page_open(&p), n->value);
		page_is(&p, n->text);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	numbers_are(report_number,
		    (const struct number[]){{0, "0"},
					    {999, "999"},
					    {1000, "1,000"},
					    {1234567, "1,234,567"},
					    {-1000, "-1,000"},
					    {INT64_MAX, "9,223,372,036,854,775,807"},
					    {INT64_MIN, "-9,223,372,036,854,775,808"},
					    {0, NULL}});
	numbers_are(report_bytes, (const struct number[]){{0, "0 B"},
							  {1023, "1023 B"},
							  {1024, "1.0 KiB"},
							  {1536, "1.5 KiB"},
							  {102400, "100 KiB"},
							  {INT64_MAX, "8.0 EiB"},
							  {0, NULL}});
	numbers_are(report_bitrate, (const struct number[]){{0, "0 bit/s"},
							    {999, "999 bit/s"},
							    {1500, "1.5 kbit/s"},
							    {250000000, "250 Mbit/s"},
							    {0, NULL}});
	numbers_are(report_duration, (const struct number[]){{400, "400ms"},
							     {4250, "4s"},
							     {60000, "1min"},
							     {3661000, "1h 1min"},
							     {90000000, "1d 1h"},
							     {0, NULL}});
	numbers_are(report_time, (const struct number[]){{0, "1970-01-01 00:00"},
							 {1772366459999, "2026-03-01 12:00"},
							 {0, NULL}});
}

/* Bars start at whole local hours and at midnights. */
static void test_local(void **state)
{
	struct page p;

	(void)state;
	setenv("TZ", "IST-5:30", 1);
	tzset();
	report_time(page_open(&p), 1772366459999);
	page_is(&p, "2026-03-01 17:30");
	report_zone(page_open(&p), 1772366459999);
	page_is(&p, "IST, UTC+05:30");
	assert_int_equal(report_floor(1772366459999, 3600000), 1772364600000);
	assert_int_equal(report_floor(1772366459999, 86400000), 1772303400000);
	setenv("TZ", "UTC0", 1);
	tzset();
	report_zone(page_open(&p), 0);
	page_is(&p, "UTC");
}

static struct report *report_one(void)
{
	static struct report r;

	memset(&r, 0, sizeof(r));
	r.span = (struct summary_span){0, 1000, 100};
	r.mismatches = r.causes[0].number = 7;
	snprintf(r.causes[0].expected, sizeof(r.causes[0].expected), "a<b");
	snprintf(r.causes[0].egress, sizeof(r.causes[0].egress), "tun0");
	r.n_causes = 1;
	return &r;
}

/* An arrow from the expected uplink to the interface, and the same as text. */
static void test_picture(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	report_picture(out, report_one(), true);
	fclose(out);
	assert_non_null(strstr(text, "7 mismatches from a&lt;b to tun0."));
	assert_non_null(strstr(text, ">no uplink<"));
	assert_non_null(strstr(text, "class=\"stray\""));
	assert_non_null(strstr(text, "xmlns="));
	assert_null(strstr(text, "a<b"));
	free(text);
}

static char *page_of(void (*print)(FILE *out, const struct report *r), const struct report *r)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(out, r);
	fclose(out);
	return text;
}

/* An interface is named after its uplink wherever a mismatch is shown. */
static void test_egress(void **state)
{
	struct report *r = report_one();
	char buf[REPORT_LONG_TEXT], *text;

	(void)state;
	assert_string_equal(report_egress(buf, "cable", "wan2"), "cable (wan2)");
	assert_string_equal(report_egress(buf, "wan2", "wan2"), "wan2");
	assert_string_equal(report_egress(buf, "", "tun0"), "tun0");
	snprintf(r->causes[0].egress_uplink, sizeof(r->causes[0].egress_uplink), "cable");
	assert_string_equal(report_egress_uplink(r, "tun0"), "cable");
	assert_string_equal(report_egress_uplink(r, "tun1"), "");
	text = page_of(report_causes, r);
	assert_non_null(strstr(text, ">cable (tun0)<"));
	free(text);
}

/* A backup gets no share of balanced flows, whatever its weight. */
static void test_share_by_weight(void **state)
{
	struct report_series main1 = {.name = "a", .weight = 1, .tier = 1};
	struct report_series main2 = {.name = "b", .weight = 3, .tier = 1};
	struct report_series backup = {.name = "c", .weight = 1, .tier = 2};
	struct report *r = report_one();
	char *text;

	(void)state;
	r->series[0] = &main1;
	r->series[1] = &main2;
	r->series[2] = &backup;
	r->n_series = 3;
	text = page_of(report_uplinks, r);
	assert_non_null(strstr(text, ">25.0 %<"));
	assert_non_null(strstr(text, ">75.0 %<"));
	assert_non_null(strstr(text, "c <span class=\"soft\">backup, tier 2</span>"));
	assert_null(strstr(text, ">20.0 %<"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_local),  cmocka_unit_test(test_picture),
		cmocka_unit_test(test_egress), cmocka_unit_test(test_share_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
