/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ruleset_diff.c - proves how a listing that differs from the loaded ruleset is reported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/plan/ruleset_diff.h"

#define HEAD "table inet waymark {\n"
#define SET_PART                                                                                   \
	"\tset uplinks {\n\t\ttype ifname\n\t\telements = { \"wan1\",\n\t\t\t     \"wan2\" "       \
	"}\n\t}\n\n"
#define CHAIN  "\tchain output {\n\t\ttype route hook output priority mangle; policy accept;\n"
#define RULE   "\t\tct mark & 0x000000ff vmap @restore\n"
#define CLOSE  "\t}\n"
#define LOADED HEAD SET_PART CHAIN RULE CLOSE "}\n"

static void compare(const char *now, bool is_less, const char *said)
{
	char text[200];

	assert_int_equal(ruleset_compare(LOADED, now, text, sizeof(text)), is_less);
	assert_string_equal(text, said);
}

static void reports_each_part(void **state)
{
	(void)state;
	compare(LOADED, false, "");
	compare(HEAD SET_PART CHAIN CLOSE "}\n", true, "chain output changed");
	compare(HEAD SET_PART "}\n", true, "chain output gone");
	compare(HEAD CHAIN RULE CLOSE "}\n", true, "set uplinks gone");
	compare(HEAD "}\n", true, "set uplinks gone, chain output gone");
	compare(HEAD SET_PART CHAIN RULE RULE CLOSE "}\n", true, "chain output changed");
	compare(HEAD SET_PART "\tchain output2 {\n" RULE CLOSE "\n" CHAIN RULE CLOSE "}\n", false,
		"chain output2 added");
	compare(HEAD "\tflags dormant\n\n" SET_PART CHAIN RULE CLOSE "}\n", true,
		"flags dormant added");
	compare("", true, "set uplinks gone, chain output gone");
}

/* Text that does not fit is cut; a cut in the middle of a line does no harm. */
static void survives_what_is_short(void **state)
{
	char text[12], whole[sizeof(LOADED)];

	(void)state;
	assert_true(ruleset_compare(LOADED, HEAD "}\n", text, sizeof(text)));
	assert_string_equal(text, "set uplinks");
	for (size_t n = 0; n < sizeof(LOADED); n++) {
		memcpy(whole, LOADED, n);
		whole[n] = '\0';
		ruleset_compare(LOADED, whole, text, sizeof(text));
		ruleset_compare(whole, LOADED, text, sizeof(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_each_part),
		cmocka_unit_test(survives_what_is_short),
	};

	return cmocka_run_group_tests_name("rulesetdiff", tests, NULL, NULL);
}
