/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - the main function of waymark. It runs a command, or it prints usage or completions from
 * the table in commands.c.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/features.h"
#include "waymark/base/suggest.h"

static void usage_print(FILE *out)
{
	const struct command *c;

	fputs("Usage: waymark [-c FILE] [--socket PATH] COMMAND [OPTION]...\n"
	      "       waymark COMMAND --help\n"
	      "\n"
	      "Pin flows to uplinks, record them, and verify where their packets left.\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (c = commands; c->name; c++)
		fprintf(out, "  %-12s %s\n", c->name, c->help);
	fprintf(out,
		"\n"
		"Options:\n"
		"  -c, --config FILE  the configuration (%s)\n"
		"  --socket PATH      the daemon's control socket; no configuration is read\n"
		"  -h, --help         show this and exit\n"
		"  -V, --version      show the version and the built-in features, and exit\n"
		"\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 daemon not running.\n",
		CONFIG_PATH_DEFAULT);
}

static void command_usage_print(const struct command *c)
{
	char head[64];
	int i;

	printf("Usage: waymark [-c FILE] %s%s%s [OPTION]...\n"
	       "\n"
	       "  %s\n"
	       "\n"
	       "Options:\n",
	       c->name, c->operands ? " " : "", c->operands ? c->operands : "", c->help);
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

/* Print the input of the completion scripts, one item per line. If name is NULL, print all commands
 * with their help. Otherwise `name` is a command: print its options (with "=" if an option takes a
 * value), their help, and the values that completion offers. */
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
		  s.best ? "did you mean " : "'waymark --help' lists the commands",
		  s.best ? s.best : "");
	return CLI_USAGE;
}

/* Refuse --socket for commands that do not query the daemon. */
static enum exit_status socket_check(const struct invocation *in)
{
	if (!in->values[OPTION_SOCKET] || (in->command->options & WITH(OPTION_SOCKET)))
		return CLI_DONE;
	cli_error(
		"%s: --socket is not possible: this command needs the configuration (use -c FILE)",
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

/* Flush standard output. If flushing fails, for example because a disk is full, the command has
 * failed. */
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
		  s.best ? "did you mean --" : "'waymark --help' lists the options",
		  s.best ? s.best : "");
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
