/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli.h - declares what the commands of waymark share: the table of commands, the parsed options,
 * exit statuses, messages, the configuration.
 */
#ifndef WAYMARK_SRC_CLI_CLI_H
#define WAYMARK_SRC_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/render.h"
#include "waymark/config/config.h"

enum exit_status {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NO_DAEMON = 3,
};

/* The long options of all commands, in the order of option_specs. */
enum option_id {
	OPTION_JSON,
	OPTION_CSV,
	OPTION_OUTPUT,
	OPTION_COLUMNS,
	OPTION_UTC,
	OPTION_SOCKET,
	OPTION_DATABASE,
	OPTION_LIVE,
	OPTION_AT,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_STARTED_SINCE,
	OPTION_HOST,
	OPTION_SRC,
	OPTION_DST,
	OPTION_PORT,
	OPTION_SPORT,
	OPTION_DPORT,
	OPTION_PROTO,
	OPTION_UPLINK,
	OPTION_INGRESS,
	OPTION_EGRESS,
	OPTION_VERDICT,
	OPTION_REASON,
	OPTION_MIN_BYTES,
	OPTION_MIN_DURATION,
	OPTION_UNANSWERED,
	OPTION_SORT,
	OPTION_LIMIT,
	OPTION_LIST,
	OPTION_BY,
	OPTION_WARNING,
	OPTION_CRITICAL,
	OPTION_MINUTES,
	OPTION_YES,
	OPTION_CONFIG_ONLY,
	OPTION_CONFIRM,
	OPTION_FOR,
	OPTION_PICTURE,
	OPTION_HELP,
	OPTIONS,
};
#define WITH(option) (UINT64_C(1) << (option))
#define OPERANDS_MAX 2

struct option_spec {
	const char *name;
	/* name of the value in the usage message; NULL: the option takes no value */
	const char *operand;
	const char *help;
	const char *words; /* values that shell completion offers, or NULL */
	char letter;	   /* short option, or 0 */
};
extern const struct option_spec option_specs[OPTIONS];

/* Return value number i (from 0) of an option whose values come from a table, such as the verdicts.
 * Return NULL if the option has no value with this number. */
const char *option_word(int option, unsigned i);

struct invocation;

struct command {
	const char *name;
	enum exit_status (*run)(const struct invocation *in);
	uint64_t options; /* WITH() of each option that the command takes */
	const char *help;
	/* names of the operands in the usage message, at most OPERANDS_MAX; NULL: none */
	const char *operands;
	const char *words; /* values of an operand that shell completion offers, or NULL */
};
extern const struct command commands[]; /* the last has the name NULL */

/* One invocation of waymark. */
struct invocation {
	const struct command *command;
	const char *config_path;
	const char *values[OPTIONS]; /* value of each option; NULL: the option is not given; "": the
				      * option is given and takes no value */
	const char *operand;	     /* the first operand, or NULL */
	const char *operands[OPERANDS_MAX];
	struct render_style style;
	bool is_terminal; /* standard output is a terminal */
};

/* Parse argv, which starts with the name of the command, and store the result in *in. Return
 * CLI_DONE. If the command does not take an option, or on another usage error, print a message and
 * return CLI_USAGE. */
enum exit_status options_parse(struct invocation *in, int argc, char **argv);

/* Print "waymark: ", the message and a newline to standard error. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ask a question on the terminal. Return true only if the answer begins with y. */
bool cli_ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Return the path of the control socket from --socket or the configuration. The caller frees the
 * path. On failure print a message and return NULL. */
char *cli_socket(const struct invocation *in);

/* Read the configuration. On failure print every error and return NULL. */
struct config *cli_config(const struct invocation *in);

/* Return whether this process has CAP_NET_ADMIN. If not, print that the command needs this
 * capability. */
bool cli_has_privilege(const struct invocation *in);

/* End a listing. If writing failed, print a message. Return the exit status. */
enum exit_status cli_render_end(struct render *r);

enum exit_status cmd_check(const struct invocation *in);
enum exit_status cmd_rules(const struct invocation *in);
enum exit_status cmd_apply(const struct invocation *in);
enum exit_status cmd_confirm(const struct invocation *in);
enum exit_status cmd_diff(const struct invocation *in);
enum exit_status cmd_import(const struct invocation *in);
enum exit_status cmd_init(const struct invocation *in);
enum exit_status cmd_remove(const struct invocation *in);
enum exit_status cmd_status(const struct invocation *in);
enum exit_status cmd_uplinks(const struct invocation *in);
enum exit_status cmd_flows(const struct invocation *in);
enum exit_status cmd_mismatches(const struct invocation *in);
enum exit_status cmd_gaps(const struct invocation *in);
enum exit_status cmd_coverage(const struct invocation *in);
enum exit_status cmd_tampering(const struct invocation *in);
enum exit_status cmd_who(const struct invocation *in);
enum exit_status cmd_stats(const struct invocation *in);
enum exit_status cmd_usage(const struct invocation *in);
enum exit_status cmd_explain(const struct invocation *in);
enum exit_status cmd_failover(const struct invocation *in);
enum exit_status cmd_watch(const struct invocation *in);
enum exit_status cmd_nagios(const struct invocation *in);
enum exit_status cmd_uplink(const struct invocation *in);
enum exit_status cmd_prune(const struct invocation *in);
enum exit_status cmd_alert(const struct invocation *in);
enum exit_status cmd_test_alert(const struct invocation *in);
enum exit_status cmd_metrics(const struct invocation *in);
enum exit_status cmd_report(const struct invocation *in);
enum exit_status cmd_top(const struct invocation *in);

#endif
