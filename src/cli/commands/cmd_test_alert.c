/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_test_alert.c - `waymark alert-test`: sends one test alert to each sink in the
 * configuration, and prints whether it was delivered.
 */
#include "cli/cli.h"
#include "cli/history.h"
#include "waymark/alert/alert.h"
#include "waymark/base/clock.h"

static void result_print(void *data, const char *sink, const char *target, const char *error)
{
	unsigned *failed = data;

	*failed += error != NULL;
	printf("%-7s %s: %s\n", sink, target, error ? error : "delivered");
}

enum exit_status cmd_test_alert(const struct invocation *in)
{
	struct config *config = cli_config(in);
	unsigned n, failed = 0;

	if (!config)
		return CLI_FAILED;
	n = alerter_test(&config->alert, clock_now_ms, result_print, &failed);
	if (!n)
		cli_error(
			"alert-test: no sink is configured (see section alert of waymark.conf(5))");
	config_free(config);
	return n && !failed ? CLI_DONE : CLI_FAILED;
}
