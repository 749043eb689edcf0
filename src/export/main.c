/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - waymark-export: reads the arguments, runs a command, sets the exit status.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "export/exporter.h"
#include "export/http.h"
#include "export/log.h"
#include "export/privileges.h"
#include "export/schema.h"
#include "export/status.h"
#include "waymark/base/clock.h"
#include "waymark/base/suggest.h"
#include "waymark/base/times.h"

static const char usage[] =
	"Usage: waymark-export [-c FILE] [--once] [--since TIME] [TARGET]...\n"
	"       waymark-export [-c FILE] status [--json]\n"
	"       waymark-export [-c FILE] metrics\n"
	"       waymark-export schema [--cluster NAME] [--database NAME] [--dialect 18|current]\n"
	"\n"
	"Ships the history to other systems: the targets of section export of the\n"
	"configuration (clickhouse, ipfix, file), or the named targets.\n"
	"\n"
	"Commands:\n"
	"  status             show which rows each target has acknowledged\n"
	"  metrics            print the status in Prometheus' text format\n"
	"  schema             print the statements that create the tables of ClickHouse\n"
	"\n"
	"Options:\n"
	"  -c, --config FILE  the configuration [" CONFIG_PATH_DEFAULT "]\n"
	"      --once         end when all rows are acknowledged\n"
	"      --since TIME   ship what happened at TIME and later\n"
	"      --json         print one JSON object\n"
	"      --cluster NAME schema: create the tables on all servers of this cluster\n"
	"      --database NAME  schema: create the tables in this database [waymark]\n"
	"      --dialect D    schema: for a server of this version: current, or 18 for 18.16\n"
	"                     [current]\n"
	"  -h, --help         show this and exit\n"
	"  -V, --version      show the version and exit\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 usage.\n";

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct arguments {
	const char *config_path;
	struct export_options export;
	struct schema_options schema;
	bool is_json;
};

static int usage_fail(const char *what, const char *value)
{
	fprintf(stderr, "waymark-export: %s '%s' (see 'waymark-export --help')\n", what, value);
	return EXIT_USAGE;
}

/* Like usage_fail(), but suggest the most similar known name if there is one. */
static int name_fail(const char *what, const char *value, const char *dashes,
		     const struct suggestion *s)
{
	if (!s->best)
		return usage_fail(what, value);
	fprintf(stderr, "waymark-export: %s '%s' (did you mean %s%s)\n", what, value, dashes,
		s->best);
	return EXIT_USAGE;
}

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},  {"once", no_argument, NULL, 'o'},
	{"since", required_argument, NULL, 's'},   {"json", no_argument, NULL, 'j'},
	{"cluster", required_argument, NULL, 'C'}, {"database", required_argument, NULL, 'D'},
	{"dialect", required_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},	   {NULL, 0, NULL, 0},
};

static int option_refuse(int option, const char *argument)
{
	struct suggestion s;

	if (option == ':')
		return usage_fail("a value is missing after", argument);
	suggest_start(&s, argument + strspn(argument, "-"));
	for (const struct option *o = options; o->name; o++)
		suggest_consider(&s, o->name);
	return name_fail("unknown option", argument, "--", &s);
}

static const char *const commands[] = {"schema", "status", "metrics"};

static int target_refuse(const char *name)
{
	struct suggestion s;

	suggest_start(&s, name);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		suggest_consider(&s, commands[i]);
	for (const struct export_target *const *t = export_targets; *t; t++)
		suggest_consider(&s, (*t)->name);
	return name_fail("unknown target or command", name, "", &s);
}

static int since_read(struct arguments *a, const char *text)
{
	if (times_parse_since(text, clock_now_ms(), &a->export.since_ms) < 0)
		return usage_fail("not a time:", text);
	a->export.has_since = true;
	return -1;
}

static int dialect_read(struct arguments *a, const char *text)
{
	if (strcmp(text, "18") != 0 && strcmp(text, "current") != 0)
		return usage_fail("unknown dialect", text);
	a->schema.dialect = strcmp(text, "18") == 0 ? SCHEMA_18 : SCHEMA_CURRENT;
	return -1;
}

static int name_read(const char **to, const char *text)
{
	if (schema_name_check(text) < 0)
		return usage_fail("not a valid name in ClickHouse:", text);
	*to = text;
	return -1;
}

/* Process one option. Return -1 to continue, or the exit status to end with. */
static int option_read(struct arguments *a, int option, const char *argument)
{
	switch (option) {
	case 'c':
		a->config_path = optarg;
		return -1;
	case 'o':
		a->export.is_once = true;
		return -1;
	case 'j':
		a->is_json = true;
		return -1;
	case 's':
		return since_read(a, optarg);
	case 'C':
		return name_read(&a->schema.cluster, optarg);
	case 'D':
		return name_read(&a->schema.database, optarg);
	case 'd':
		return dialect_read(a, optarg);
	case 'h':
		fputs(usage, stdout);
		return EXIT_DONE;
	case 'V':
		printf("waymark-export " PACKAGE_VERSION " (%s)\n",
		       http_is_available() ? "clickhouse, ipfix, file"
					   : "ipfix, file; no clickhouse: built without libcurl");
		return EXIT_DONE;
	default:
		return option_refuse(option, argument);
	}
}

static int arguments_read(struct arguments *a, int argc, char **argv)
{
	int option, status = -1;

	opterr = 0;
	while (status < 0 && (option = getopt_long(argc, argv, ":c:hV", options, NULL)) != -1)
		status = option_read(a, option, argv[optind - 1]);
	return status;
}

static int targets_check(const char *const *names)
{
	for (; *names; names++) {
		const struct export_target *const *t = export_targets;

		while (*t && strcmp((*t)->name, *names))
			t++;
		if (!*t)
			return target_refuse(*names);
	}
	return 0;
}

static int export_run(const struct arguments *a, const struct config *c)
{
	int err = privileges_drop(c->group);

	if (err < 0) {
		export_log(LOG_ERR, "cannot drop privileges: %s", strerror(-err));
		return EXIT_FAILED;
	}
	return exporter_run(c, &a->export) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int configured_run(struct arguments *a, const char *command)
{
	struct config *c;
	int status;

	if (config_load(&c, a->config_path, stderr) < 0)
		return EXIT_FAILED;
	if (command && strcmp(command, "status") == 0)
		status = status_print(stdout, c, a->is_json ? STATUS_JSON : STATUS_TEXT);
	else if (command && strcmp(command, "metrics") == 0)
		status = status_print(stdout, c, STATUS_METRICS);
	else
		status = export_run(a, c);
	config_free(c);
	return status ? EXIT_FAILED : EXIT_DONE;
}

static int output_close(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "waymark-export: cannot write the output: %s\n", strerror(errno));
	return status ? status : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct arguments a = {
		.config_path = CONFIG_PATH_DEFAULT,
		.schema = {.database = "waymark"},
	};
	int status = arguments_read(&a, argc, argv);
	const char *command = argv[optind];
	bool is_command = false;

	if (status >= 0)
		return output_close(status);
	for (size_t i = 0; command && i < sizeof(commands) / sizeof(commands[0]); i++)
		is_command |= !strcmp(command, commands[i]);
	if (is_command && argv[optind + 1])
		return usage_fail("unexpected argument", argv[optind + 1]);
	if (is_command && strcmp(command, "schema") == 0) {
		schema_print(stdout, &a.schema);
		return output_close(EXIT_DONE);
	}
	a.export.targets = (const char *const *)argv + optind;
	if (!is_command && targets_check(a.export.targets))
		return EXIT_USAGE;
	return output_close(configured_run(&a, is_command ? command : NULL));
}
