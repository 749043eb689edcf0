/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_check.c - `waymark check`: reports what is wrong or doubtful in the configuration and on this
 * host, and usually a command or key that fixes it.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/error_lines.h"
#include "cli/filter.h"
#include "waymark/base/clock.h"
#include "waymark/base/shell.h"
#include "waymark/base/units.h"
#include "waymark/hostcheck/hostcheck.h"
#include "waymark/store/query.h"

static void config_line_add(void *data, const char *line)
{
	const char *fix = strstr(line, "; ");

	findings_add(data, FINDING_ERROR, "%.*s", (int)(fix ? fix - line : (long)strlen(line)),
		     line);
	if (fix)
		findings_fix(data, "%s", fix + 2);
}

/* Read the configuration. On failure add the errors to the findings and return NULL. */
static struct config *config_checked(const struct invocation *in, struct findings *f)
{
	struct config *config = NULL;
	struct error_lines errors;
	int err = error_lines_open(&errors);
	size_t before = f->n;

	if (!err)
		err = config_load(&config, in->config_path, errors.stream);
	error_lines_each(&errors, config_line_add, f);
	if (err && f->n == before)
		findings_add(f, FINDING_ERROR, "%s: %s", in->config_path, strerror(-err));
	if (config)
		findings_add(f, FINDING_OK, "%s: the configuration is valid, %zu uplinks, mode %s",
			     in->config_path, config->n_uplinks, config_mode_name(config->mode));
	return config;
}

static void retention_checked(const struct config *c, struct findings *f)
{
	char age[UNITS_STRLEN];

	if (!config_is_retention_short(c))
		return;
	findings_add(f, FINDING_WARNING,
		     "retention is %s: flows are removed from the history less than a day after "
		     "they ended",
		     duration_format((int64_t)c->retention_s * 1000, age));
	findings_fix(f, "set retention = \"90 days\", or remove retention and set max-size");
}

static void anonymize_checked(const struct config *c, struct findings *f)
{
	const char *why = config_anonymize_is_idle(c);

	if (!why)
		return;
	findings_add(f, FINDING_WARNING, "anonymize has no effect: %s", why);
	findings_fix(
		f,
		"set anonymize = \"/24\" and a retention of more than a day, or remove anonymize");
}

#define DAY_MS INT64_C(86400000)

/* Report packets without a conntrack entry, which are neither steered nor audited. Suggest no fix,
 * because the operator may have excluded these packets on purpose. */
static int untracked_add(void *data, const struct value *values, size_t n)
{
	const char *example = value_text(values, n, "example");

	findings_add(data, FINDING_WARNING,
		     "%" PRId64
		     " packets without a conntrack entry left by uplink %s since yesterday%s%s: a "
		     "rule with notrack took them out of tracking, or conntrack refused them",
		     value_number(values, n, "packets", 0), value_text(values, n, "uplink"),
		     example ? ", such as " : "", example ? example : "");
	return 0;
}

/* Report UDP replies of this router whose source is not the address to which the client sent its
 * request. Clients discard such replies. */
static int unasked_add(void *data, const struct value *values, size_t n)
{
	const char *example = value_text(values, n, "example");

	findings_add(data, FINDING_WARNING,
		     "%" PRId64
		     " UDP replies of this router left by uplink %s since yesterday%s%s: "
		     "their source is not the address to which the client sent its request",
		     value_number(values, n, "answers", 0), value_text(values, n, "uplink"),
		     example ? ", such as " : "", example ? example : "");
	findings_fix(data,
		     "make the server listen on each address instead of the wildcard address");
	return 0;
}

/* If the history exists, check that it can be read. Also report what the history has recorded since
 * yesterday: packets without a conntrack entry, and UDP replies with a wrong source. */
static void database_checked(const struct config *c, struct findings *f)
{
	struct error_lines errors;
	struct query *q;
	int err = error_lines_open(&errors);
	size_t before = f->n, i;

	if (err)
		return;
	q = query_open(c->database, errors.stream);
	err = q ? 0 : errno;
	error_lines_each(&errors, config_line_add, f);
	for (i = before; i < f->n; i++)
		if (err == ENOENT || err == EACCES)
			f->list[i].level = err == ENOENT ? FINDING_OK : FINDING_WARNING;
	if (f->n == before)
		findings_add(f, FINDING_OK, "%s: the history can be read", c->database);
	if (q) {
		query_untracked(q, clock_now_ms() - DAY_MS, untracked_add, f);
		query_unasked(q, clock_now_ms() - DAY_MS, unasked_add, f);
	}
	query_close(q);
}

static void alert_exec_checked(const struct config *c, struct findings *f)
{
	const char *path = c->alert.exec;
	char quoted[2 * PATH_MAX];
	int err;

	if (!path)
		return;
	if (c->alert.user && !getpwnam(c->alert.user)) {
		findings_add(f, FINDING_ERROR,
			     "alert user '%s' does not exist, so alert exec runs no program",
			     c->alert.user);
		findings_fix(f, "useradd --system --no-create-home %s",
			     shell_word(quoted, sizeof(quoted), c->alert.user));
	}
	if (!access(path, X_OK)) {
		findings_add(f, FINDING_OK, "alert exec %s can be run", path);
		return;
	}
	err = errno;
	findings_add(f, FINDING_ERROR, "alert exec %s cannot be run: %s", path, strerror(err));
	if (err == ENOENT)
		findings_fix(f, "install the program, or remove exec from section alert");
	else
		findings_fix(f, "chmod +x %s", shell_word(quoted, sizeof(quoted), path));
}

static void findings_print(const struct invocation *in, const struct findings *f)
{
	static const char *const colours[] = {
		[FINDING_OK] = "\033[32m",
		[FINDING_WARNING] = "\033[33m",
		[FINDING_ERROR] = "\033[31m",
	};
	size_t i;

	for (i = 0; i < f->n; i++) {
		const struct finding *one = &f->list[i];
		const char *on = in->style.has_colour ? colours[one->level] : "";

		printf("%s%s%s: %s%s%s\n", on, finding_level_name(one->level), *on ? "\033[0m" : "",
		       one->what, one->fix ? "; " : "", one->fix ? one->fix : "");
	}
}

static enum exit_status findings_render(const struct invocation *in, const struct findings *f)
{
	static const struct column columns[] = {
		{.name = "level"},
		{.name = "what"},
		{.name = "fix"},
	};
	struct render *r = render_new(&in->style, columns, 3, stdout);
	size_t i;

	if (!r) {
		cli_error("cannot print the findings: out of memory");
		return CLI_FAILED;
	}
	for (i = 0; i < f->n; i++) {
		render_text(r, finding_level_name(f->list[i].level), PAINT_NONE);
		render_text(r, f->list[i].what, PAINT_NONE);
		render_text(r, f->list[i].fix, PAINT_NONE);
	}
	return cli_render_end(r);
}

enum exit_status cmd_check(const struct invocation *in)
{
	struct findings findings = {0};
	struct uplink_decisions decisions;
	struct config *config = config_checked(in, &findings);
	enum exit_status status = CLI_DONE;
	int err = 0;

	if (config) {
		retention_checked(config, &findings);
		anonymize_checked(config, &findings);
	}
	if (config && !in->values[OPTION_CONFIG_ONLY]) {
		database_checked(config, &findings);
		alert_exec_checked(config, &findings);
		follow_decisions(&decisions, config);
		err = hostcheck_run(config, &decisions, &findings);
	}
	if (in->style.format == RENDER_TABLE)
		findings_print(in, &findings);
	else
		status = findings_render(in, &findings);
	if (err) {
		cli_error("check: some checks could not run: %s (findings may be missing)",
			  strerror(-err));
		status = CLI_FAILED;
	}
	if (findings_count(&findings, FINDING_ERROR))
		status = CLI_FAILED;
	findings_clear(&findings);
	config_free(config);
	return status;
}
