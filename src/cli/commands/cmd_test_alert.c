/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_test_alert.c - `waymark alert-test`: one alert through each sink of the
 * configuration, one after the other, and whether it went through.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/history.h"
#include "waymark/alert/alert.h"

#define LOOK_AGAIN_MS 20

static void alert_raise(struct alerter *a)
{
	struct alert alert = {
		.kind = ALERT_TEST,
		.time_ms = history_now_ms(),
		.reason = "",
		.evidence = "",
		.direction = -1,
		.count = 1,
		.text = "this is a test of Waymark's alerts; nothing is wrong",
	};

	alerter_raise(a, &alert);
}

/* Until the programs have ended and the server has been asked once; the alerter ends
 * what takes too long. */
static void sinks_await(struct alerter *a, struct alerter_stats *stats)
{
	struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000};

	alerter_stats(a, stats);
	while (stats->children || (stats->webhook.pending && !stats->webhook.retries)) {
		nanosleep(&pause, NULL);
		alerter_tick(a, history_now_ms());
		alerter_stats(a, stats);
	}
}

static bool sink_test(const char *name, const char *target, const struct alert_config *c)
{
	struct alerter *a = alerter_new(c);
	struct alerter_stats stats;
	bool is_told;

	if (!a) {
		cli_error("alert-test: %s", strerror(errno));
		return false;
	}
	alert_raise(a);
	sinks_await(a, &stats);
	alerter_free(a);
	if (stats.webhook.last_error[0])
		memcpy(stats.last_error, stats.webhook.last_error, sizeof(stats.last_error));
	is_told = !stats.failed && !stats.webhook.retries;
	printf("%-7s %s: %s\n", name, target, is_told ? "told" : stats.last_error);
	return is_told;
}

enum exit_status cmd_test_alert(const struct invocation *in)
{
	struct config *config = cli_config(in);
	unsigned n = 0, failed = 0;

	if (!config)
		return CLI_FAILED;
	for (int sink = 0; sink < 4; sink++) {
		struct alert_config one = config->alert;
		const char *names[] = {"exec", "json", "syslog", "webhook"};
		const char *targets[] = {one.exec, one.json, one.syslog ? "the system's log" : NULL,
					 one.webhook ? "its URL" : NULL};

		if (!targets[sink])
			continue;
		one.exec = sink == 0 ? one.exec : NULL;
		one.json = sink == 1 ? one.json : NULL;
		one.syslog = sink == 2;
		one.webhook = sink == 3 ? one.webhook : NULL;
		n++;
		failed += !sink_test(names[sink], targets[sink], &one);
	}
	if (!n)
		cli_error(
			"alert-test: no sink is configured; see section alert of waymark.conf(5)");
	config_free(config);
	return n && !failed ? CLI_DONE : CLI_FAILED;
}
