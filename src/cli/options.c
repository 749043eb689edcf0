/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - the table of all options, and a command's options from its argv by
 * that table and the command's row. It keeps their text; what a value means is
 * for who uses it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

const struct option_spec option_specs[OPTIONS] = {
	[OPTION_JSON] = {"json", NULL, "print JSON"},
	[OPTION_CSV] = {"csv", NULL, "print CSV with a header line"},
	[OPTION_WIDE] = {"wide", NULL, "show every column in a table"},
	[OPTION_DATABASE] = {"database", "FILE", "read this history, not the configuration's"},
	[OPTION_LIVE] = {"live", NULL, "only flows that live now"},
	[OPTION_SINCE] = {"since", "TIME",
			  "not before TIME: ISO 8601, 'yesterday', '10 minutes ago'"},
	[OPTION_UNTIL] = {"until", "TIME", "not after TIME"},
	[OPTION_AT] = {"at", "TIME", "the last one at TIME or before, not the last of all"},
	[OPTION_SRC] = {"src", "ADDRESS", "source address or prefix, of either side of NAT"},
	[OPTION_DST] = {"dst", "ADDRESS", "destination address or prefix, likewise"},
	[OPTION_PORT] = {"port", "NUMBER", "source or destination port"},
	[OPTION_SPORT] = {"sport", "NUMBER", "source port, or the identifier of an echo"},
	[OPTION_DPORT] = {"dport", "NUMBER", "destination port"},
	[OPTION_PROTO] = {"proto", "PROTOCOL", "tcp, udp, icmp, ... or a number"},
	[OPTION_UPLINK] = {"uplink", "NAME",
			   "what its mark names; of mismatches also what they left by"},
	[OPTION_VERDICT] = {"verdict", "VERDICT", "mismatch, unknown, ok, ..."},
	[OPTION_REASON] = {"reason", "REASON", "rule-missing, route-missing, ..."},
	[OPTION_LIMIT] = {"limit", "NUMBER",
			  "the newest so many; 0: all (100 on a terminal, else all)"},
	[OPTION_LIST] = {"list", "CLASS", "show the flows: moved, deleted, stranded or backup"},
	[OPTION_WARNING] = {"warning", "LIST",
			    "-w: warn from these numbers on [unmarked=1,gaps=1,queue=50]"},
	[OPTION_CRITICAL] = {"critical", "LIST",
			     "-c: critical from these on [mismatches=1,queue=90]"},
	[OPTION_MINUTES] = {"minutes", "NUMBER", "look back so many minutes [5]"},
	[OPTION_CONFIG_ONLY] = {"config", NULL, "check the file alone, not this host"},
	[OPTION_CONFIRM] = {"confirm", "DURATION",
			    "undo it after DURATION unless 'waymark confirm' follows"},
	[OPTION_FOR] = {"for", "DURATION", "back to auto after DURATION"},
	[OPTION_HELP] = {"help", NULL, "show this and exit"},
};

/* Beyond the option ids. */
#define CONFIG_OPTION OPTIONS

static void longs_fill(struct option *longs, const struct command *c)
{
	int n = 0, i;

	for (i = 0; i < OPTIONS; i++) {
		if (i != OPTION_HELP && !(c->options & WITH(i)))
			continue;
		longs[n++] = (struct option){
			.name = option_specs[i].name,
			.has_arg = option_specs[i].operand ? required_argument : no_argument,
			.val = i,
		};
	}
	if (!(c->options & WITH(OPTION_CONFIG_ONLY)))
		longs[n++] = (struct option){"config", required_argument, NULL, CONFIG_OPTION};
	longs[n] = (struct option){0};
}

static void style_choose(struct invocation *in)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	in->style.format = in->values[OPTION_JSON]  ? RENDER_JSON
			   : in->values[OPTION_CSV] ? RENDER_CSV
						    : RENDER_TABLE;
	in->style.is_wide = in->values[OPTION_WIDE] != NULL;
	in->style.has_colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
			       !(term && !strcmp(term, "dumb"));
}

enum exit_status options_parse(struct invocation *in, int argc, char **argv)
{
	struct option longs[OPTIONS + 2];
	/* The letters that every monitoring plugin has for its thresholds. */
	bool is_plugin = in->command->options & WITH(OPTION_CRITICAL);
	int option;

	longs_fill(longs, in->command);
	optind = 0; /* starts over, after main's own round */
	while ((option = getopt_long(argc, argv, is_plugin ? ":c:w:h" : ":c:h", longs, NULL)) !=
	       -1) {
		if (option == '?' || option == ':') {
			cli_error(option == ':' ? "%s: %s needs a value"
						: "%s takes no option %s; its --help lists them",
				  in->command->name, argv[optind - 1]);
			return CLI_USAGE;
		}
		if (option == 'w' || (option == 'c' && is_plugin))
			in->values[option == 'w' ? OPTION_WARNING : OPTION_CRITICAL] = optarg;
		else if (option == 'c' || option == CONFIG_OPTION)
			in->config_path = optarg;
		else
			in->values[option == 'h' ? OPTION_HELP : option] = optarg ? optarg : "";
	}
	for (int i = 0; (in->command->options & (WITH_TOOL_FILE | WITH_UPLINK_WORD)) &&
			i < OPERANDS_MAX && optind < argc;
	     i++)
		in->operands[i] = argv[optind++];
	if (optind < argc && (in->command->options & WITH_ID))
		in->operands[0] = argv[optind++];
	in->operand = in->operands[0];
	if (optind < argc) {
		cli_error("%s takes no argument %s", in->command->name, argv[optind]);
		return CLI_USAGE;
	}
	if (in->values[OPTION_JSON] && in->values[OPTION_CSV]) {
		cli_error("%s: --json and --csv exclude each other", in->command->name);
		return CLI_USAGE;
	}
	style_choose(in);
	return CLI_DONE;
}
