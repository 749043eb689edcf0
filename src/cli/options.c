/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - the table of all options, and the parser of a command's options. It stores the text
 * of the values; the commands interpret the text.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "waymark/base/proto.h"
#include "waymark/base/record.h"
#include "waymark/base/suggest.h"

const struct option_spec option_specs[OPTIONS] = {
	[OPTION_JSON] = {"json", NULL, "print JSON", NULL, 0},
	[OPTION_CSV] = {"csv", NULL, "print CSV with a header line", NULL, 0},
	[OPTION_OUTPUT] = {"output", "FORM",
			   "set the output format: wide (all columns, full times), json or csv",
			   "wide json csv", 'o'},
	[OPTION_COLUMNS] = {"columns", "LIST", "show these columns: id,src,dst,...", NULL, 0},
	[OPTION_UTC] = {"utc", NULL, "read and show times in UTC", NULL, 0},
	[OPTION_SOCKET] = {"socket", "PATH",
			   "query the daemon at PATH instead of reading the configuration", NULL,
			   0},
	[OPTION_DATABASE] = {"database", "FILE",
			     "read the history in FILE instead of the configured one", NULL, 0},
	[OPTION_LIVE] = {"live", NULL, "show only live flows", NULL, 0},
	[OPTION_AT] = {"at", "TIME", "show what existed at TIME", "now yesterday today", 0},
	[OPTION_SINCE] = {"since", "TIME",
			  "show rows from TIME on: '10 minutes ago', yesterday, 14:32, 2026-03-01",
			  "yesterday today", 0},
	[OPTION_UNTIL] = {"until", "TIME", "show rows before TIME", "yesterday today now", 0},
	[OPTION_STARTED_SINCE] = {"started-since", "TIME",
				  "show flows that started at TIME or later", "yesterday today", 0},
	[OPTION_HOST] = {"host", "ADDRESS",
			 "match an address or prefix of either end, before or after NAT", NULL, 0},
	[OPTION_SRC] = {"src", "ADDRESS", "match the source address or prefix, before or after NAT",
			NULL, 0},
	[OPTION_DST] = {"dst", "ADDRESS",
			"match the destination address or prefix, before or after NAT", NULL, 0},
	[OPTION_PORT] = {"port", "NUMBER", "match the source or destination port", NULL, 0},
	[OPTION_SPORT] = {"sport", "NUMBER",
			  "match the source port, or the identifier of an ICMP echo", NULL, 0},
	[OPTION_DPORT] = {"dport", "NUMBER", "match the destination port", NULL, 0},
	[OPTION_PROTO] = {"proto", "PROTOCOL",
			  "match the protocol: tcp, udp, icmp, ... or a number",
			  "tcp udp icmp icmpv6 sctp gre esp", 0},
	[OPTION_UPLINK] = {"uplink", "NAME",
			   "match the uplink that the mark names (mismatches: also the egress)",
			   NULL, 0},
	[OPTION_INGRESS] = {"ingress", "NAME", "match the uplink that the flow entered by", NULL,
			    0},
	[OPTION_EGRESS] = {"egress", "NAME", "match the interface that a packet left by", NULL, 0},
	[OPTION_VERDICT] = {"verdict", "VERDICT", "match the verdict: mismatch, unknown, ok, ...",
			    NULL, 0},
	[OPTION_REASON] = {"reason", "REASON", "match the reason: rule-missing, route-missing, ...",
			   NULL, 0},
	[OPTION_MIN_BYTES] = {"min-bytes", "SIZE",
			      "match flows of at least SIZE bytes in both directions together",
			      NULL, 0},
	[OPTION_MIN_DURATION] = {"min-duration", "DURATION",
				 "match flows that lasted at least DURATION: 10s, 5min", NULL, 0},
	[OPTION_UNANSWERED] = {"unanswered", NULL, "match flows without a reply", NULL, 0},
	[OPTION_SORT] = {"sort", "COLUMN", "sort by this column, largest first", NULL, 0},
	[OPTION_LIMIT] = {"limit", "NUMBER",
			  "show the newest NUMBER rows (0: all) [100 on a terminal, else 0]", NULL,
			  0},
	[OPTION_LIST] = {"list", "CLASS",
			 "list the flows of a class: moved, deleted, stranded, returned, ...",
			 "moved deleted stranded idle ended backup returned", 0},
	[OPTION_BY] = {"by", "COLUMN", "group by this column", NULL, 0},
	[OPTION_WARNING] = {"warning", "LIST",
			    "return WARNING at these numbers or above [unmarked=1,gaps=1,queue=50]",
			    NULL, 'w'},
	[OPTION_CRITICAL] = {"critical", "LIST",
			     "return CRITICAL at these numbers or above [mismatches=1,queue=90]",
			     NULL, 'c'},
	[OPTION_MINUTES] = {"minutes", "NUMBER",
			    "count what happened in the last NUMBER minutes [5]", NULL, 0},
	[OPTION_YES] = {"yes", NULL, "do not ask for confirmation", NULL, 'y'},
	[OPTION_CONFIG_ONLY] = {"config", NULL, "check only the configuration file, not this host",
				NULL, 0},
	[OPTION_CONFIRM] = {"confirm", "DURATION",
			    "undo the change after DURATION unless 'waymark confirm' follows", NULL,
			    0},
	[OPTION_FOR] = {"for", "DURATION",
			"limit the time to DURATION (uplink: then return to auto)", NULL, 0},
	[OPTION_PICTURE] = {"picture", NULL, "print only the picture of the router, as SVG", NULL,
			    0},
	[OPTION_HELP] = {"help", NULL, "show this help and exit", NULL, 'h'},
};

const char *option_word(int option, unsigned i)
{
	/* Skip value 0 of each enumeration, because it means "none". */
	if (option == OPTION_VERDICT)
		return verdict_name((enum verdict)(i + 1));
	if (option == OPTION_REASON)
		return reason_name((enum reason)(i + 1));
	return NULL;
}

/* The id of option -c FILE, which is not in enum option_id because every command takes it. */
#define CONFIG_OPTION OPTIONS

static bool is_taken(const struct command *c, int option)
{
	return option == OPTION_HELP || (c->options & WITH(option));
}

/* Fill in getopt's tables: the options that the command takes, and -c. */
static void options_fill(struct option *longs, char *shorts, const struct command *c)
{
	bool has_config = false, has_c = false;
	char *s = shorts;
	int n = 0, i;

	*s++ = ':';
	for (i = 0; i < OPTIONS; i++) {
		const struct option_spec *o = &option_specs[i];

		if (!is_taken(c, i))
			continue;
		longs[n++] = (struct option){
			.name = o->name,
			.has_arg = o->operand ? required_argument : no_argument,
			.val = i,
		};
		has_config |= !strcmp(o->name, "config");
		has_c |= o->letter == 'c';
		if (o->letter)
			s += sprintf(s, "%c%s", o->letter, o->operand ? ":" : "");
	}
	if (!has_config)
		longs[n++] = (struct option){"config", required_argument, NULL, CONFIG_OPTION};
	longs[n] = (struct option){0};
	strcpy(s, has_c ? "" : "c:");
}

static int option_by_letter(const struct command *c, int letter)
{
	for (int i = 0; i < OPTIONS; i++)
		if (is_taken(c, i) && option_specs[i].letter == letter)
			return i;
	return CONFIG_OPTION;
}

static enum exit_status option_refuse(const struct invocation *in, int code, const char *given)
{
	const char *name = given + strspn(given, "-");
	struct suggestion s;

	if (code == ':') {
		cli_error("%s: %s needs a value", in->command->name, given);
		return CLI_USAGE;
	}
	suggest_start(&s, name);
	for (int i = 0; i < OPTIONS; i++)
		if (is_taken(in->command, i) && strcmp(option_specs[i].name, name))
			suggest_consider(&s, option_specs[i].name);
	cli_error("%s: unknown option %s (%s%s)", in->command->name, given,
		  s.best ? "did you mean --" : "--help lists the options", s.best ? s.best : "");
	return CLI_USAGE;
}

/* Return whether the first operand is a protocol: the user then forgot to quote a flow. */
static bool is_unquoted_flow(const struct invocation *in)
{
	return in->operand && !strchr(in->operand, ' ') && proto_parse(in->operand) >= 0;
}

static enum exit_status operands_take(struct invocation *in, int argc, char **argv)
{
	const char *wanted = in->command->operands;

	for (int i = 0; i < OPERANDS_MAX && wanted && optind < argc; i++) {
		in->operands[i] = argv[optind++];
		wanted = strchr(wanted, ' ');
		wanted += wanted != NULL;
	}
	in->operand = in->operands[0];
	if (optind == argc)
		return CLI_DONE;
	cli_error("%s: unexpected argument \"%s\"%s", in->command->name, argv[optind],
		  is_unquoted_flow(in) ? " (quote the flow: 'tcp A:P > B:Q')" : "");
	return CLI_USAGE;
}

/* --- output format ------------------------------------------------------------------ */

static enum exit_status format_choose(struct invocation *in)
{
	static const char *const names[] = {
		[RENDER_TABLE] = "wide", [RENDER_JSON] = "json", [RENDER_CSV] = "csv"};
	const char *output = in->values[OPTION_OUTPUT];

	in->style.format = in->values[OPTION_JSON]  ? RENDER_JSON
			   : in->values[OPTION_CSV] ? RENDER_CSV
						    : RENDER_TABLE;
	for (int i = RENDER_TABLE; output && i <= RENDER_CSV; i++)
		if (!strcmp(output, names[i])) {
			in->style.format = (enum render_format)i;
			in->style.is_wide = i == RENDER_TABLE;
			output = NULL;
		}
	if (output)
		cli_error("%s: -o \"%s\": expected wide, json or csv", in->command->name, output);
	else if (in->values[OPTION_JSON] && in->values[OPTION_CSV])
		cli_error("%s: --json cannot be combined with --csv", in->command->name);
	else
		return CLI_DONE;
	return CLI_USAGE;
}

static unsigned number_of(const char *name)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static void style_choose(struct invocation *in)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = {0};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	in->style.now_ms = (int64_t)now.tv_sec * 1000;
	in->is_terminal = isatty(STDOUT_FILENO);
	in->style.width = number_of("COLUMNS");
	if (!in->is_terminal)
		return;
	in->style.has_colour = !(no_colour && *no_colour) && !(term && !strcmp(term, "dumb"));
	in->style.is_last_first = true;
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	in->style.width = in->style.width ? in->style.width : size.ws_col;
	in->style.height = number_of("LINES");
	in->style.height = in->style.height ? in->style.height : size.ws_row;
}

enum exit_status options_parse(struct invocation *in, int argc, char **argv)
{
	struct option longs[OPTIONS + 2];
	char shorts[2 * OPTIONS + 4];
	int option;

	options_fill(longs, shorts, in->command);
	optind = 0; /* restart getopt, which main() has used already */
	while ((option = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (option == '?' || option == ':')
			return option_refuse(in, option, argv[optind - 1]);
		if (option > CONFIG_OPTION)
			option = option_by_letter(in->command, option);
		if (option == CONFIG_OPTION)
			in->config_path = optarg;
		else
			in->values[option] = optarg ? optarg : "";
	}
	if (in->values[OPTION_UTC]) {
		setenv("TZ", "UTC0", 1);
		tzset();
	}
	style_choose(in);
	if (in->values[OPTION_HELP])
		return CLI_DONE;
	return operands_take(in, argc, argv) == CLI_DONE ? format_choose(in) : CLI_USAGE;
}
