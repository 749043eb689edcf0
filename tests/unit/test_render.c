/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_render.c - the same rows as a table, JSON and CSV: alignment, types,
 * unknown values, text that would break each format.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
	struct render_style style = {format, is_wide, has_colour};
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
	struct render_style style = {RENDER_TABLE, false, false};
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
	assert_true(size > 2400 * 4); /* it did not wait for the end */
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

static void test_tells_of_a_full_disk(void **state)
{
	struct render_style style = {RENDER_JSON, false, false};
	FILE *out = fopen("/dev/full", "w");
	struct render *r;

	(void)state;
	assert_non_null(out);
	r = render_new(&style, columns, 4, out);
	rows_of(r, 2);
	assert_int_equal(render_end(r), -ENOSPC);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_aligns),
		cmocka_unit_test(test_table_guards_the_terminal),
		cmocka_unit_test(test_table_paints),
		cmocka_unit_test(test_table_of_nothing_is_nothing),
		cmocka_unit_test(test_json_keeps_types),
		cmocka_unit_test(test_json_of_nothing_is_an_array),
		cmocka_unit_test(test_csv_quotes),
		cmocka_unit_test(test_long_table_streams),
		cmocka_unit_test(test_tells_of_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
