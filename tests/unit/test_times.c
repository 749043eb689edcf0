/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_times.c - proves that points in time are written and read, in UTC and in a zone with summer
 * time; durations, sizes, names of protocols, the nearest name.
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

#include "waymark/base/endpoints.h"
#include "waymark/base/proto.h"
#include "waymark/base/suggest.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-07-15T10:20:30.456Z, 12:20 in Berlin */
#define NOW 1784110830456LL
/* Berlin's rules as a POSIX zone: the machine's zone files do not matter. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static void zone_set(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void test_format(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{NOW, "2026-07-15T10:20:30.456Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{951782399007, "2000-02-28T23:59:59.007Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{253402300800000, ""},
		{INT64_MAX, ""},
		{INT64_MIN, ""},
	};
	char buf[TIMES_STRLEN];

	(void)state;
	zone_set(BERLIN);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(times_format_iso(cases[i].ms, buf), cases[i].text);
}

static void test_format_for_people(void **state)
{
	char buf[TIMES_STRLEN];
	int64_t ms;

	(void)state;
	zone_set(BERLIN);
	assert_string_equal(times_format(NOW, TIMES_FULL, buf), "2026-07-15 12:20:30.456");
	assert_string_equal(times_format(NOW, TIMES_DATED, buf), "Jul 15 12:20:30");
	assert_string_equal(times_format(NOW, TIMES_OF_DAY, buf), "12:20:30");
	assert_string_equal(times_format(-1, TIMES_FULL, buf), "");
	assert_true(times_is_same_day(NOW, NOW + 11 * 3600 * 1000));
	assert_false(times_is_same_day(NOW, NOW + 12 * 3600 * 1000));
	assert_false(times_is_same_day(NOW, NOW + INT64_C(365) * 86400000));
	zone_set("UTC0");
	assert_string_equal(times_format(NOW, TIMES_FULL, buf), "2026-07-15 10:20:30.456Z");
	zone_set(BERLIN);
	assert_int_equal(times_parse_iso("2026-07-15T10:20:30.456Z", &ms), 0);
	assert_true(ms == NOW);
	assert_int_equal(times_parse_iso("2026-07-15 12:20:30.456", &ms), -EINVAL);
	assert_int_equal(times_parse_iso("yesterday", &ms), -EINVAL);
}

static void test_units_for_people(void **state)
{
	static const struct {
		int64_t value;
		const char *size, *duration;
	} cases[] = {
		{0, "0", "0ms"},
		{999, "999", "999ms"},
		{1023, "1023", "1s"},
		{1024, "1.0K", "1s"},
		{10239, "10K", "10s"},
		{61000, "60K", "1min 1s"},
		{120000, "117K", "2min"},
		{1048575, "1.0M", "17min 28s"},
		{7200000, "6.9M", "2h"},
		{INT64_C(90000000), "86M", "1d 1h"},
		{INT64_C(1) << 40, "1.0T", "12725d 19h"},
	};
	char buf[UNITS_STRLEN];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_string_equal(size_format(cases[i].value, buf), cases[i].size);
		assert_string_equal(duration_format(cases[i].value, buf), cases[i].duration);
	}
}

/* An exceeded quota has a negative rest. */
static void test_sizes_below_zero(void **state)
{
	char buf[UNITS_STRLEN];

	(void)state;
	assert_string_equal(size_format(-1, buf), "-1");
	assert_string_equal(size_format(-221067451, buf), "-211M");
}

static void test_bitrates(void **state)
{
	char buf[UNITS_STRLEN];

	(void)state;
	assert_string_equal(bitrate_format(0, buf), "0 bit/s");
	assert_string_equal(bitrate_format(999, buf), "999 bit/s");
	assert_string_equal(bitrate_format(1500, buf), "1.5 kbit/s");
	assert_string_equal(bitrate_format(226000, buf), "226 kbit/s");
}

static void test_durations_in_ms(void **state)
{
	uint64_t ms;

	(void)state;
	assert_int_equal(duration_parse_ms(&ms, "250ms"), 0);
	assert_int_equal(ms, 250);
	assert_int_equal(duration_parse_ms(&ms, "1min 30s"), 0);
	assert_int_equal(ms, 90000);
	assert_int_equal(duration_parse_ms(&ms, "5"), -EINVAL);
	assert_int_equal(duration_parse_ms(&ms, "0"), 0);
}

static void test_nearest_name(void **state)
{
	static const char *const names[] = {"flows", "gaps", "up"};
	static const struct {
		const char *name, *best;
	} cases[] = {
		{"flow", "flows"}, {"gpas", "gaps"}, {"uq", "up"}, {"xy", NULL}, {"report", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct suggestion s;

		suggest_start(&s, cases[i].name);
		for (size_t k = 0; k < COUNT(names); k++)
			suggest_consider(&s, names[k]);
		if (cases[i].best)
			assert_string_equal(s.best, cases[i].best);
		else
			assert_null(s.best);
	}
}

static void check_parse(const char *text, const char *expected)
{
	char buf[TIMES_STRLEN];
	int64_t ms;
	int err = times_parse_since(text, NOW, &ms);

	if (err < 0)
		fail_msg("'%s' refused: %d", text, err);
	if (strcmp(times_format_iso(ms, buf), expected) != 0)
		fail_msg("'%s' is %s, not %s", text, buf, expected);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *utc;
	} cases[] = {
		{"now", "2026-07-15T10:20:30.456Z"},
		{"10 minutes ago", "2026-07-15T10:10:30.456Z"},
		{"1 min ago", "2026-07-15T10:19:30.456Z"},
		{"2h", "2026-07-15T08:20:30.456Z"},
		{"-2h", "2026-07-15T08:20:30.456Z"},
		{"+2h", "2026-07-15T12:20:30.456Z"},
		{"1h 30min ago", "2026-07-15T08:50:30.456Z"},
		{"90 days", "2026-04-16T10:20:30.456Z"},
		{"@0", "1970-01-01T00:00:00.000Z"},
		{"@1784110830", "2026-07-15T10:20:30.000Z"},
		{"@1784110830.4567", "2026-07-15T10:20:30.456Z"},
		{"2026-07-15T10:20:30Z", "2026-07-15T10:20:30.000Z"},
		{"2026-07-15 10:20:30 UTC", "2026-07-15T10:20:30.000Z"},
		{"2026-07-15T10:20:30.4567Z", "2026-07-15T10:20:30.456Z"},
		{"2026-07-15t10:20:30,4z", "2026-07-15T10:20:30.400Z"},
		{"2026-07-15T10:20:30+02:00", "2026-07-15T08:20:30.000Z"},
		{"2026-07-15 10:20 -0330", "2026-07-15T13:50:00.000Z"},
		{"2026-07-15T10:20+05", "2026-07-15T05:20:00.000Z"},
		{"2024-02-29Z", "2024-02-29T00:00:00.000Z"},
		/* local */
		{"today", "2026-07-14T22:00:00.000Z"},
		{"yesterday", "2026-07-13T22:00:00.000Z"},
		{"tomorrow", "2026-07-15T22:00:00.000Z"},
		{"2026-07-15", "2026-07-14T22:00:00.000Z"},
		{"2026-01-15", "2026-01-14T23:00:00.000Z"},
		{"2026-07-15 10:20", "2026-07-15T08:20:00.000Z"},
		{"2026-07-15T10:20:30.5", "2026-07-15T08:20:30.500Z"},
		{"2026-01-15T10:20:30", "2026-01-15T09:20:30.000Z"},
		{"10:20", "2026-07-15T08:20:00.000Z"},
		{"10:20:30", "2026-07-15T08:20:30.000Z"},
		{"10:20Z", "2026-07-15T10:20:00.000Z"},
		/* as systemd and journalctl print it; an hour may have one digit */
		{"Wed 2026-07-15 10:20:30 CEST", "2026-07-15T08:20:30.000Z"},
		{"Thursday 2026-01-15 10:20:30 CET", "2026-01-15T09:20:30.000Z"},
		{"Wed 2026-07-15 10:20:30 UTC", "2026-07-15T10:20:30.000Z"},
		{"2026-01-15 10:20 cet", "2026-01-15T09:20:00.000Z"},
		{"9:05", "2026-07-15T07:05:00.000Z"},
		/* as the listings print another day */
		{"Jul 14 10:20:30", "2026-07-14T08:20:30.000Z"},
		{"Jan 5 10:20", "2026-01-05T09:20:00.000Z"},
		{"Nov 25 10:20:30", "2025-11-25T09:20:30.000Z"},
		{"-250ms", "2026-07-15T10:20:30.206Z"},
		{"2 weeks ago", "2026-07-01T10:20:30.456Z"},
	};

	(void)state;
	zone_set(BERLIN);
	for (size_t i = 0; i < COUNT(cases); i++)
		check_parse(cases[i].text, cases[i].utc);
	zone_set("UTC");
	check_parse("2026-07-15 10:20", "2026-07-15T10:20:00.000Z");
	check_parse("today", "2026-07-15T00:00:00.000Z");
}

/* Written times can be read. */
static void test_round_trip(void **state)
{
	char buf[TIMES_STRLEN];
	int64_t ms, back;

	(void)state;
	zone_set(BERLIN);
	for (ms = -1234567890123; ms < 9999999999999; ms += 86399001007) {
		assert_int_equal(times_parse_since(times_format_iso(ms, buf), NOW, &back), 0);
		assert_int_equal(back, ms);
	}
}

static void test_not_times(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"5",
		"2026",
		"20260715",
		"ago",
		" ago",
		"5 ago",
		"five minutes ago",
		"soon",
		"+",
		"-",
		"--2h",
		"+2h ago",
		"2h later",
		"@",
		"@-1",
		"@1x",
		"@1.",
		"@x",
		"2026-7-15",
		"2026-13-01",
		"2026-00-01",
		"2026-02-29",
		"2026-04-31",
		"2026-07-15X10:20",
		"2026-07-15T",
		"2026-07-15T24:00",
		"2026-07-15T10:60",
		"2026-07-15T10:20:61",
		"2026-07-15T10:20:30.",
		"2026-07-15T10:20:30+",
		"2026-07-15T10:20:30+15:00",
		"2026-07-15T10:20:30+02:0",
		"2026-07-15T10:20:30 EST",
		"Thu 2026-07-15 10:20",
		"Wed 10:20",
		"Foo 14 10:20",
		"Jul 32 10:20",
		"Jul 14",
		"2026-07-15T10:20:30Zx",
		"10:2",
		"1:2",
		":20",
		"10:20 tomorrow",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (times_parse_since(texts[i], NOW, &ms) != -EINVAL)
			fail_msg("'%s' is taken for a time", texts[i]);
	assert_int_equal(times_parse_since("@99999999999999999999", NOW, &ms), -ERANGE);
	assert_int_equal(times_parse_since("9999999999 years ago", NOW, &ms), -ERANGE);
	assert_int_equal(times_parse_since("+292271023 years", NOW, &ms), -ERANGE);
}

static void test_endpoints(void **state)
{
	struct endpoints e = {.sport = 53, .dport = 4000};
	char buf[ENDPOINTS_STRLEN];

	(void)state;
	assert_int_equal(addr_parse(&e.src, "192.0.2.1"), 0);
	assert_int_equal(addr_parse(&e.dst, "203.0.113.9"), 0);
	assert_string_equal(endpoints_format(&e, 17, buf), "udp 192.0.2.1:53 > 203.0.113.9:4000");
	assert_int_equal(addr_parse(&e.src, "ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888"), 0);
	assert_int_equal(addr_parse(&e.dst, "2001:db8::1"), 0);
	assert_string_equal(
		endpoints_format(&e, 255, buf),
		"255 [ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888]:53 > [2001:db8::1]:4000");
}

static void test_protos(void **state)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} cases[] = {{6, "tcp"},    {17, "udp"}, {1, "icmp"}, {58, "icmpv6"},
		     {132, "sctp"}, {0, "0"},	 {47, "47"},  {255, "255"}};
	char buf[PROTO_STRLEN];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(proto_name(cases[i].proto, buf), cases[i].name);
	for (int i = 0; i < 256; i++)
		assert_int_equal(proto_parse(proto_name((uint8_t)i, buf)), i);
	assert_int_equal(proto_parse("TCP"), 6);
	assert_int_equal(proto_parse("gre"), 47);
	assert_int_equal(proto_parse("ipv6-icmp"), 58);
	assert_int_equal(proto_parse("256"), -EINVAL);
	assert_int_equal(proto_parse("-1"), -EINVAL);
	assert_int_equal(proto_parse(""), -EINVAL);
	assert_int_equal(proto_parse("tcp "), -EINVAL);
	assert_int_equal(proto_parse("1234567890123"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_not_times),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_protos),
		cmocka_unit_test(test_format_for_people),
		cmocka_unit_test(test_units_for_people),
		cmocka_unit_test(test_sizes_below_zero),
		cmocka_unit_test(test_bitrates),
		cmocka_unit_test(test_durations_in_ms),
		cmocka_unit_test(test_nearest_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
