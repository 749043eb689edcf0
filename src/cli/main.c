/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - waymark: the table of commands, which is dispatch, usage and completion.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/features.h"
#include "waymark/base/suggest.h"

#define DAEMON	WITH(OPTION_SOCKET)
#define FORMAT	(WITH(OPTION_JSON) | WITH(OPTION_CSV) | WITH(OPTION_OUTPUT) | WITH(OPTION_UTC))
#define LISTING (FORMAT | WITH(OPTION_COLUMNS))
#define HISTORY (LISTING | DAEMON | WITH(OPTION_DATABASE) | WITH(OPTION_LIMIT))
#define SPAN	(WITH(OPTION_AT) | WITH(OPTION_SINCE) | WITH(OPTION_UNTIL))
#define TUPLE                                                                                      \
	(WITH(OPTION_HOST) | WITH(OPTION_SRC) | WITH(OPTION_DST) | WITH(OPTION_PORT) |             \
	 WITH(OPTION_SPORT) | WITH(OPTION_DPORT) | WITH(OPTION_PROTO))
#define FLOW                                                                                       \
	(SPAN | TUPLE | WITH(OPTION_UPLINK) | WITH(OPTION_LIVE) | WITH(OPTION_STARTED_SINCE) |     \
	 WITH(OPTION_INGRESS) | WITH(OPTION_EGRESS) | WITH(OPTION_VERDICT) | WITH(OPTION_REASON) | \
	 WITH(OPTION_MIN_BYTES) | WITH(OPTION_MIN_DURATION) | WITH(OPTION_UNANSWERED))

const struct command commands[] = {
	{"init", cmd_init, 0, "print a configuration for this host, from its default routes", NULL,
	 NULL},
	{"check", cmd_check, FORMAT | WITH(OPTION_COLUMNS) | WITH(OPTION_CONFIG_ONLY),
	 "validate the file and this host; exit 1 on an error", NULL, NULL},
	{"diff", cmd_diff, 0, "show how what is installed differs from what the file says", NULL,
	 NULL},
	{"rules", cmd_rules, 0, "print what would be installed; change nothing", NULL, NULL},
	{"apply", cmd_apply, WITH(OPTION_CONFIRM), "install the steering", NULL, NULL},
	{"confirm", cmd_confirm, 0, "keep what 'apply --confirm' installed", NULL, NULL},
	{"remove", cmd_remove, 0, "remove the steering and restore what it displaced", NULL, NULL},
	{"import", cmd_import, 0, "print a configuration from a file of another tool",
	 "mwan3|pbr FILE", "mwan3 pbr"},
	{"status", cmd_status, DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC),
	 "show the daemon; exit 0 when it is ready, 3 when it is not", NULL, NULL},
	{"uplinks", cmd_uplinks, DAEMON | LISTING, "show each uplink", NULL, NULL},
	{"uplink", cmd_uplink, DAEMON | WITH(OPTION_FOR),
	 "decide about an uplink: up, down, drain, or auto (as observed)", "NAME WORD",
	 "up down drain auto"},
	{"flows", cmd_flows, HISTORY | FLOW | WITH(OPTION_SORT), "show flows", NULL, NULL},
	{"mismatches", cmd_mismatches, HISTORY | FLOW | WITH(OPTION_SORT),
	 "show packets that left by a wrong interface", NULL, NULL},
	{"gaps", cmd_gaps, HISTORY | SPAN | WITH(OPTION_SORT),
	 "show when something may have been missed, and why", NULL, NULL},
	{"coverage", cmd_coverage, HISTORY | SPAN | WITH(OPTION_SORT) | WITH(OPTION_UPLINK),
	 "show how much of the traffic the history accounts for", NULL, NULL},
	{"failover", cmd_failover,
	 HISTORY | WITH(OPTION_AT) | WITH(OPTION_UPLINK) | WITH(OPTION_LIST),
	 "show what became of an uplink's flows when it last went down", NULL, NULL},
	{"tampering", cmd_tampering, HISTORY | SPAN | WITH(OPTION_SORT),
	 "show what other processes changed, and what was done about it", NULL, NULL},
	{"who", cmd_who, HISTORY | WITH(OPTION_AT) | WITH(OPTION_PROTO),
	 "show which inside host used a public address and port", "ADDRESS[:PORT]", NULL},
	{"stats", cmd_stats, HISTORY | FLOW | WITH(OPTION_BY) | WITH(OPTION_SORT),
	 "sum flows, bytes and mismatches by one or two columns", NULL, NULL},
	{"usage", cmd_usage,
	 LISTING | DAEMON | WITH(OPTION_DATABASE) | SPAN | WITH(OPTION_UPLINK) | WITH(OPTION_BY),
	 "show bytes of each uplink, peak, 95th percentile, quota left", NULL, NULL},
	{"explain", cmd_explain,
	 WITH(OPTION_JSON) | WITH(OPTION_UTC) | WITH(OPTION_DATABASE) | WITH(OPTION_PROTO) |
		 WITH(OPTION_SRC) | WITH(OPTION_SPORT) | WITH(OPTION_DST) | WITH(OPTION_DPORT),
	 "explain a flow's verdict: by id, by 'tcp A:P > B:Q', or the newest that fits",
	 "[ID|FLOW]", NULL},
	{"watch", cmd_watch, DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC),
	 "show flows, mismatches and alerts as they happen", NULL, NULL},
	{"top", cmd_top, WITH(OPTION_DATABASE) | WITH(OPTION_UTC),
	 "show a full-screen live view; q quits", NULL, NULL},
	{"report", cmd_report,
	 DAEMON | WITH(OPTION_DATABASE) | WITH(OPTION_SINCE) | WITH(OPTION_UNTIL) |
		 WITH(OPTION_UTC) | WITH(OPTION_PICTURE),
	 "print what happened as an HTML page, of the last day or another time", NULL, NULL},
	{"metrics", cmd_metrics, DAEMON, "print the daemon's counters for Prometheus", NULL, NULL},
	{"nagios", cmd_nagios,
	 DAEMON | WITH(OPTION_WARNING) | WITH(OPTION_CRITICAL) | WITH(OPTION_MINUTES),
	 "print a Nagios-compatible check: status line, perfdata, exit status 0 to 3", NULL, NULL},
	{"prune", cmd_prune, DAEMON | WITH(OPTION_YES) | WITH(OPTION_HOST),
	 "apply retention and max-size now, or delete what is known of a host", NULL, NULL},
	{"alert", cmd_alert,
	 DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC) | WITH(OPTION_FOR) | WITH(OPTION_UPLINK),
	 "silence alerts for a while, end that, or list what is silenced", "silence|unsilence|list",
	 "silence unsilence list"},
	{"alert-test", cmd_test_alert, 0, "send a test alert through each sink", NULL, NULL},
	{.name = NULL},
};

static void usage_print(FILE *out)
{
	const struct command *c;

	fputs("Usage: waymark [-c FILE] [--socket PATH] COMMAND [OPTION]...\n"
	      "       waymark COMMAND --help\n\n"
	      "Pin flows to uplinks, record them, and verify where their packets left.\n\n"
	      "Commands:\n",
	      out);
	for (c = commands; c->name; c++)
		fprintf(out, "  %-12s %s\n", c->name, c->help);
	fprintf(out,
		"\nOptions:\n"
		"  -c, --config FILE  the configuration (%s)\n"
		"  --socket PATH      the daemon's control socket; no configuration is read\n"
		"  -h, --help         show this and exit\n"
		"  -V, --version      show the version and what was built in, and exit\n\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 daemon not running.\n",
		CONFIG_PATH_DEFAULT);
}

static void command_usage_print(const struct command *c)
{
	char head[64];
	int i;

	printf("Usage: waymark [-c FILE] %s%s%s [OPTION]...\n\n  %s\n\nOptions:\n", c->name,
	       c->operands ? " " : "", c->operands ? c->operands : "", c->help);
	for (i = 0; i < OPTIONS; i++) {
		const struct option_spec *o = &option_specs[i];
		char letter[8] = "";

		if (i != OPTION_HELP && !(c->options & WITH(i)))
			continue;
		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(head, sizeof(head), "%s--%s%s%s", letter, o->name, o->operand ? " " : "",
			 o->operand ? o->operand : "");
		printf("  %-24s %s\n", head, o->help);
	}
}

static void words_print(int option)
{
	const char *word, *words = option_specs[option].words;

	fputs(words ? words : "", stdout);
	for (unsigned i = 0; (word = option_word(option, i)); i++)
		printf("%s%s", i ? " " : "", word);
	putchar('\n');
}

/* For completion, one per line: the commands with their help, or the options of one,
 * with "=" where a value follows, their help and the values to offer. */
static enum exit_status list_print(const char *name)
{
	const struct command *c;
	int i;

	for (c = commands; c->name; c++) {
		if (!name)
			printf("%s\t%s\n", c->name, c->help);
		else if (!strcmp(c->name, name))
			break;
	}
	for (i = 0; name && c->name && i < OPTIONS; i++) {
		const struct option_spec *o = &option_specs[i];

		if (i != OPTION_HELP && !(c->options & WITH(i)))
			continue;
		printf("--%s%s\t%s\t", o->name, o->operand ? "=" : "", o->help);
		words_print(i);
	}
	if (name && c->name && c->words)
		printf("operand\t%s\t%s\n", c->operands, c->words);
	return name && !c->name ? CLI_USAGE : CLI_DONE;
}

static enum exit_status command_refuse(const char *name)
{
	struct suggestion s;

	suggest_start(&s, name);
	for (const struct command *c = commands; c->name; c++)
		suggest_consider(&s, c->name);
	cli_error("unknown command \"%s\" (%s%s)", name,
		  s.best ? "did you mean " : "'waymark --help' lists them", s.best ? s.best : "");
	return CLI_USAGE;
}

/* Others compare with the file, or ask no daemon. */
static enum exit_status socket_check(const struct invocation *in)
{
	if (!in->values[OPTION_SOCKET] || (in->command->options & DAEMON))
		return CLI_DONE;
	cli_error("%s: --socket is not for this command, which does not ask the daemon alone "
		  "(use -c FILE)",
		  in->command->name);
	return CLI_USAGE;
}

static enum exit_status command_run(struct invocation *in, int argc, char **argv)
{
	enum exit_status status;

	for (in->command = commands; in->command->name; in->command++)
		if (!strcmp(in->command->name, argv[0]))
			break;
	if (!in->command->name)
		return command_refuse(argv[0]);
	status = options_parse(in, argc, argv);
	if (status != CLI_DONE)
		return status;
	if (in->values[OPTION_HELP]) {
		command_usage_print(in->command);
		return CLI_DONE;
	}
	status = socket_check(in);
	return status == CLI_DONE ? in->command->run(in) : status;
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

static enum exit_status global_refuse(int option, const char *given, const struct option *longs)
{
	struct suggestion s;

	if (option == ':') {
		cli_error("%s needs a value", given);
		return CLI_USAGE;
	}
	suggest_start(&s, given + strspn(given, "-"));
	for (; longs->name; longs++)
		suggest_consider(&s, longs->name);
	cli_error("unknown option %s (%s%s)", given,
		  s.best ? "did you mean --" : "'waymark --help' lists them", s.best ? s.best : "");
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"socket", required_argument, NULL, 's'},
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
		case 's':
			in.values[OPTION_SOCKET] = optarg;
			break;
		case 'h':
			usage_print(stdout);
			return (int)output_close(CLI_DONE);
		case 'V':
			features_print(stdout);
			return (int)output_close(CLI_DONE);
		case 'l':
			return (int)output_close(list_print(NULL));
		case 'o':
			return (int)output_close(list_print(optarg));
		default:
			return (int)global_refuse(option, argv[optind - 1], longs);
		}
	}
	if (optind == argc) {
		usage_print(stderr);
		return CLI_USAGE;
	}
	return (int)output_close(command_run(&in, argc - optind, argv + optind));
}
