/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_shell.c - proves that words with any character reach a shell unchanged, and that no control
 * character reaches a terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/base/shell.h"

static const char *const nasty[] = {
	"eth0", "$(id)", "a`b`", "it's", "\033[31m", "a'\033\\b", "*", "a;b", "~", "", "a b",
};

/* Return the word as bash parses it. */
static void shell_says(char *said, size_t size, const char *word)
{
	char command[256];
	FILE *shell;

	snprintf(command, sizeof(command), "exec bash -c \"$(cat <<'E'\nprintf '<%%s>' %s\nE\n)\"",
		 word);
	shell = popen(command, "r");
	assert_non_null(shell);
	said[fread(said, 1, size - 1, shell)] = '\0';
	pclose(shell);
}

static void words_reach_a_shell_unchanged(void **state)
{
	char quoted[128], said[128], wanted[128];

	(void)state;
	for (size_t i = 0; i < sizeof(nasty) / sizeof(*nasty); i++) {
		shell_says(said, sizeof(said), shell_word(quoted, sizeof(quoted), nasty[i]));
		snprintf(wanted, sizeof(wanted), "<%s>", nasty[i]);
		assert_string_equal(said, wanted);
	}
}

static void plain_words_stay_plain(void **state)
{
	char buf[128];

	(void)state;
	assert_string_equal(shell_line(buf, sizeof(buf), "default via 192.0.2.1 dev eth0.10"),
			    "default via 192.0.2.1 dev eth0.10");
	assert_string_equal(shell_line(buf, sizeof(buf), "priority 9 iif $(id) lookup 7"),
			    "priority 9 iif '$(id)' lookup 7");
	assert_string_equal(shell_line(buf, 8, "priority 9"), "priorit");
}

static void terminals_get_no_control_characters(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(text_printable(buf, sizeof(buf), "a\033[31m\nb\177"),
			    "a\\x1b[31m\\x0ab\\x7f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_reach_a_shell_unchanged),
		cmocka_unit_test(plain_words_stay_plain),
		cmocka_unit_test(terminals_get_no_control_characters),
	};

	return cmocka_run_group_tests_name("shell", tests, NULL, NULL);
}
