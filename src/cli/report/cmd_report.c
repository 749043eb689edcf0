/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_report.c - `waymark report`: describes the last day, or another interval, on one HTML page.
 * If --picture is given, it prints only the picture of the router, as SVG.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/filter.h"
#include "cli/database.h"
#include "cli/history.h"
#include "cli/report/report.h"
#include "cli/running.h"

#include "waymark/base/clock.h"

#define HOUR_MS 3600000LL
#define DAY_MS	(24 * HOUR_MS)
/* Longer intervals have one bar per day instead of one per hour. */
#define HOURS_MAX_MS (7 * DAY_MS)
#define SPAN_MAX_MS  (3660 * DAY_MS)

/* Choose the interval of the report and the width of its bars. The interval starts at a full local
 * hour or day, so that every bar does. Return false if the interval is empty or too long. */
static bool span_choose(struct summary_span *span, const struct query_filter *f, int64_t now_ms)
{
	span->until_ms = f->until_ms ? f->until_ms : now_ms;
	span->since_ms = f->since_ms ? f->since_ms : span->until_ms - DAY_MS + HOUR_MS;
	span->step_ms = span->until_ms - span->since_ms > HOURS_MAX_MS ? DAY_MS : HOUR_MS;
	span->since_ms = report_floor(span->since_ms, span->step_ms);
	return span->since_ms < span->until_ms && span->until_ms - span->since_ms <= SPAN_MAX_MS;
}

static enum exit_status report_make(const char *path, const struct config *config, struct report *r,
				    bool is_picture)
{
	struct query *q = history_open(path);
	int err;

	if (!q)
		return CLI_FAILED;
	err = report_read(r, q);
	report_weigh(r, config);
	if (!err && is_picture)
		report_picture(stdout, r, true);
	else if (!err)
		err = report_print(stdout, r);
	if (err)
		cli_error("report: %s", query_error(q)[0] ? query_error(q) : strerror(-err));
	query_close(q);
	return err ? CLI_FAILED : CLI_DONE;
}

/* Make the report. The report shows the weights of the uplinks, which come from the configuration.
 * If --database is given without --socket, no configuration is read, and the weights are
 * unknown. */
static enum exit_status report_of(const struct invocation *in, struct report *r)
{
	bool is_alone = in->values[OPTION_DATABASE] && !in->values[OPTION_SOCKET];
	struct config *config = NULL;
	enum exit_status status = is_alone ? CLI_DONE : running_config(in, &config);
	char *path = NULL;

	if (status == CLI_DONE)
		status = database_find(in, &path);
	if (path)
		status = report_make(path, config, r, in->values[OPTION_PICTURE] != NULL);
	config_free(config);
	free(path);
	return status;
}

enum exit_status cmd_report(const struct invocation *in)
{
	struct report r = {.now_ms = clock_now_ms()};
	struct flow_filter filter;
	enum exit_status status = filter_parse(&filter, in, r.now_ms);

	if (status != CLI_DONE)
		return status;
	if (!span_choose(&r.span, &filter.q, r.now_ms)) {
		cli_error(
			"report: --since must be before --until, and at most ten years before it");
		return CLI_USAGE;
	}
	if (gethostname(r.host, sizeof(r.host)))
		snprintf(r.host, sizeof(r.host), "this router");
	r.host[sizeof(r.host) - 1] = '\0';
	status = report_of(in, &r);
	report_clear(&r);
	return status;
}
