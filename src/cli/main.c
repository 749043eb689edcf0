/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - waymark: the table of commands, which is dispatch, usage and what
 * completion asks for.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define LISTING (WITH(OPTION_JSON) | WITH(OPTION_CSV) | WITH(OPTION_WIDE))
#define HISTORY                                                                                    \
	(LISTING | WITH(OPTION_DATABASE) | WITH(OPTION_SINCE) | WITH(OPTION_UNTIL) |               \
	 WITH(OPTION_LIMIT))
#define FILTERS                                                                                    \
	(HISTORY | WITH(OPTION_SRC) | WITH(OPTION_DST) | WITH(OPTION_PORT) | WITH(OPTION_PROTO) |  \
	 WITH(OPTION_UPLINK))

const struct command commands[] = {
	{"init", cmd_init, 0, "print a configuration for this host, from its default routes"},
	{"check", cmd_check, LISTING | WITH(OPTION_CONFIG_ONLY),
	 "validate the configuration and this host; exit 1 if there is an error"},
	{"diff", cmd_diff, 0, "show how what is installed differs from what the file says"},
	{"rules", cmd_rules, 0, "print what would be installed, touching nothing"},
	{"apply", cmd_apply, WITH(OPTION_CONFIRM), "install the steering"},
	{"confirm", cmd_confirm, 0, "keep what 'apply --confirm' installed"},
	{"remove", cmd_remove, 0, "remove the steering and restore what it displaced"},
	{"import", cmd_import, WITH_TOOL_FILE,
	 "print a configuration from a file of another tool: mwan3 or pbr"},
	{"status", cmd_status, WITH(OPTION_JSON),
	 "show the daemon; exit 0 when it is ready, 3 when it is not"},
	{"uplinks", cmd_uplinks, LISTING, "show each uplink"},
	{"uplink", cmd_uplink, WITH_UPLINK_WORD | WITH(OPTION_FOR),
	 "decide about an uplink: up, down, drain, or auto (as observed)"},
	{"flows", cmd_flows,
	 FILTERS | WITH(OPTION_LIVE) | WITH(OPTION_VERDICT) | WITH(OPTION_REASON),
	 "show the history of flows"},
	{"mismatches", cmd_mismatches,
	 FILTERS | WITH(OPTION_LIVE) | WITH(OPTION_VERDICT) | WITH(OPTION_REASON),
	 "show what left by the wrong uplink"},
	{"gaps", cmd_gaps, HISTORY, "show what may have been missed, and why"},
	{"coverage", cmd_coverage, HISTORY | WITH(OPTION_UPLINK),
	 "show how much of what left is in the history, and why the rest is not"},
	{"explain", cmd_explain,
	 WITH_ID | WITH(OPTION_JSON) | WITH(OPTION_DATABASE) | WITH(OPTION_PROTO) |
		 WITH(OPTION_SRC) | WITH(OPTION_SPORT) | WITH(OPTION_DST) | WITH(OPTION_DPORT),
	 "tell one flow's story: by its id, or the latest with these addresses and ports"},
	{"failover", cmd_failover,
	 LISTING | WITH(OPTION_DATABASE) | WITH(OPTION_AT) | WITH(OPTION_UPLINK) |
		 WITH(OPTION_LIST) | WITH(OPTION_LIMIT),
	 "show what moved, was deleted, is stranded since an uplink went down"},
	{"watch", cmd_watch, WITH(OPTION_JSON), "show flows, mismatches and alerts as they happen"},
	{"top", cmd_top, WITH(OPTION_DATABASE), "show a full-screen live view; q quits"},
	{"report", cmd_report, WITH(OPTION_DATABASE) | WITH(OPTION_SINCE) | WITH(OPTION_UNTIL),
	 "print an HTML page with charts, of the last day or another time"},
	{"metrics", cmd_metrics, 0, "print the daemon's counters in Prometheus' text format"},
	{"nagios", cmd_nagios, WITH(OPTION_WARNING) | WITH(OPTION_CRITICAL) | WITH(OPTION_MINUTES),
	 "be a monitoring plugin: a line, performance data, exit 0 to 3"},
	{"prune", cmd_prune, 0, "apply retention and max-size now"},
	{"alert-test", cmd_test_alert, 0, "send an alert through each sink"},
	{.name = NULL},
};

static void usage_print(FILE *out)
{
	const struct command *c;

	fputs("Usage: waymark [-c FILE] COMMAND [OPTION]...\n"
	      "       waymark COMMAND --help\n\n"
	      "Marks each flow's way: steers, records and audits the flows of a router\n"
	      "with several uplinks.\n\n"
	      "Commands:\n",
	      out);
	for (c = commands; c->name; c++)
		fprintf(out, "  %-12s %s\n", c->name, c->help);
	fprintf(out,
		"\nOptions:\n"
		"  -c, --config FILE  the configuration (%s)\n"
		"  -h, --help         show this and exit\n"
		"  -V, --version      show the version and exit\n\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 the daemon does not run.\n",
		CONFIG_PATH_DEFAULT);
}

static void command_usage_print(const struct command *c)
{
	char head[64];
	int i;

	printf("Usage: waymark [-c FILE] %s%s%s [OPTION]...\n\n  %s\n\nOptions:\n", c->name,
	       c->options & WITH_ID ? " [ID]" : "",
	       c->options & WITH_TOOL_FILE     ? " TOOL FILE"
	       : c->options & WITH_UPLINK_WORD ? " NAME WORD"
					       : "",
	       c->help);
	for (i = 0; i < OPTIONS; i++) {
		const struct option_spec *o = &option_specs[i];

		if (i != OPTION_HELP && !(c->options & WITH(i)))
			continue;
		snprintf(head, sizeof(head), "--%s%s%s", o->name, o->operand ? " " : "",
			 o->operand ? o->operand : "");
		printf("  %-20s %s\n", head, o->help);
	}
}

/* For completion: the commands, or the options of one. */
static enum exit_status list_print(const char *name)
{
	const struct command *c;
	int i;

	for (c = commands; c->name; c++) {
		if (!name)
			puts(c->name);
		else if (!strcmp(c->name, name))
			break;
	}
	for (i = 0; name && c->name && i < OPTIONS; i++)
		if (i == OPTION_HELP || (c->options & WITH(i)))
			printf("--%s%s\n", option_specs[i].name,
			       option_specs[i].operand ? "=" : "");
	return name && !c->name ? CLI_USAGE : CLI_DONE;
}

static enum exit_status command_run(struct invocation *in, int argc, char **argv)
{
	enum exit_status status;

	for (in->command = commands; in->command->name; in->command++)
		if (!strcmp(in->command->name, argv[0]))
			break;
	if (!in->command->name) {
		cli_error("no such command: %s; 'waymark --help' lists them", argv[0]);
		return CLI_USAGE;
	}
	status = options_parse(in, argc, argv);
	if (status != CLI_DONE)
		return status;
	if (in->values[OPTION_HELP]) {
		command_usage_print(in->command);
		return CLI_DONE;
	}
	return in->command->run(in);
}

/* What was printed must have arrived: a full disk is a failure. */
static enum exit_status output_close(enum exit_status status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (status == CLI_DONE)
		cli_error("cannot write the output: %m");
	return status == CLI_DONE ? CLI_FAILED : status;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"list-commands", no_argument, NULL, 'l'},
		{"list-options", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	struct invocation in = {.config_path = CONFIG_PATH_DEFAULT};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:c:hV", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			in.config_path = optarg;
			break;
		case 'h':
			usage_print(stdout);
			return (int)output_close(CLI_DONE);
		case 'V':
			puts("waymark " PACKAGE_VERSION);
			return (int)output_close(CLI_DONE);
		case 'l':
			return (int)output_close(list_print(NULL));
		case 'o':
			return (int)output_close(list_print(optarg));
		default:
			cli_error(option == ':' ? "%s needs a value" : "no such option: %s",
				  argv[optind - 1]);
			return CLI_USAGE;
		}
	}
	if (optind == argc) {
		usage_print(stderr);
		return CLI_USAGE;
	}
	return (int)output_close(command_run(&in, argc - optind, argv + optind));
}
