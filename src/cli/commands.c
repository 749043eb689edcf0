/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commands.c - the table of commands. Each row has the name, function, options, help text and
 * operands of a command. main.c uses the table to call commands, and to print usage messages and
 * completions.
 */
#include <stddef.h>

#include "cli/cli.h"

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
	 "validate the configuration and this host; exit 1 on an error", NULL, NULL},
	{"diff", cmd_diff, 0, "show how the installed steering differs from the configuration",
	 NULL, NULL},
	{"rules", cmd_rules, 0, "print the steering that 'apply' would install; change nothing",
	 NULL, NULL},
	{"apply", cmd_apply, WITH(OPTION_CONFIRM), "install the steering", NULL, NULL},
	{"confirm", cmd_confirm, 0, "keep what 'apply --confirm' installed", NULL, NULL},
	{"remove", cmd_remove, 0, "remove the steering and restore what it displaced", NULL, NULL},
	{"import", cmd_import, 0,
	 "print a configuration made from a file of mwan3 or pbr, or a UCI file",
	 "mwan3|pbr|waymark FILE", "mwan3 pbr waymark"},
	{"status", cmd_status, DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC),
	 "show the daemon's state; exit 0 when it is ready, 3 when it is not", NULL, NULL},
	{"uplinks", cmd_uplinks, DAEMON | LISTING,
	 "show the state, health and traffic of each uplink", NULL, NULL},
	{"uplink", cmd_uplink, DAEMON | WITH(OPTION_FOR),
	 "set an uplink to up, down, drain or auto (auto: follow the observed state)", "NAME WORD",
	 "up down drain auto"},
	{"flows", cmd_flows, HISTORY | FLOW | WITH(OPTION_SORT), "show flows", NULL, NULL},
	{"mismatches", cmd_mismatches, HISTORY | FLOW | WITH(OPTION_SORT),
	 "show packets that left by the wrong interface", NULL, NULL},
	{"gaps", cmd_gaps, HISTORY | SPAN | WITH(OPTION_SORT),
	 "show when events or evidence may have been missed, and why", NULL, NULL},
	{"coverage", cmd_coverage, HISTORY | SPAN | WITH(OPTION_SORT) | WITH(OPTION_UPLINK),
	 "show how much of the traffic the history covers", NULL, NULL},
	{"failover", cmd_failover, HISTORY | SPAN | WITH(OPTION_UPLINK) | WITH(OPTION_LIST),
	 "show what happened to an uplink's flows when it last went down", NULL, NULL},
	{"tampering", cmd_tampering, HISTORY | SPAN | WITH(OPTION_SORT),
	 "show what other processes changed, and how waymarkd reacted", NULL, NULL},
	{"who", cmd_who, HISTORY | WITH(OPTION_AT) | WITH(OPTION_PROTO),
	 "show which inside host used a public address and port", "ADDRESS[:PORT]", NULL},
	{"stats", cmd_stats, HISTORY | FLOW | WITH(OPTION_BY) | WITH(OPTION_SORT),
	 "sum flows, bytes and mismatches by one or two columns", NULL, NULL},
	{"usage", cmd_usage,
	 LISTING | DAEMON | WITH(OPTION_DATABASE) | SPAN | WITH(OPTION_UPLINK) | WITH(OPTION_BY),
	 "show each uplink's bytes, peak, 95th percentile and remaining quota", NULL, NULL},
	{"explain", cmd_explain,
	 DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC) | WITH(OPTION_DATABASE) |
		 WITH(OPTION_PROTO) | WITH(OPTION_SRC) | WITH(OPTION_SPORT) | WITH(OPTION_DST) |
		 WITH(OPTION_DPORT),
	 "explain the verdict of a flow: give its id, 'tcp A:P > B:Q', or options", "[ID|FLOW]",
	 NULL},
	{"watch", cmd_watch, DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC),
	 "show flows, mismatches and alerts as they happen", NULL, NULL},
	{"top", cmd_top, DAEMON | WITH(OPTION_DATABASE) | WITH(OPTION_UTC),
	 "show a full-screen live view; q quits", NULL, NULL},
	{"report", cmd_report,
	 DAEMON | WITH(OPTION_DATABASE) | WITH(OPTION_SINCE) | WITH(OPTION_UNTIL) |
		 WITH(OPTION_UTC) | WITH(OPTION_PICTURE),
	 "print an HTML page about the last day, or about --since to --until", NULL, NULL},
	{"metrics", cmd_metrics, DAEMON, "print the daemon's counters for Prometheus", NULL, NULL},
	{"nagios", cmd_nagios,
	 DAEMON | WITH(OPTION_WARNING) | WITH(OPTION_CRITICAL) | WITH(OPTION_MINUTES),
	 "print a Nagios-compatible check: status line, perfdata, exit status 0 to 3", NULL, NULL},
	{"prune", cmd_prune, DAEMON | WITH(OPTION_YES) | WITH(OPTION_HOST),
	 "apply retention and max-size now; --host: delete all records of a host", NULL, NULL},
	{"alert", cmd_alert,
	 DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC) | WITH(OPTION_FOR) | WITH(OPTION_UPLINK),
	 "silence alerts for a time, end a silence, or list the silences", "silence|unsilence|list",
	 "silence unsilence list"},
	{"alert-test", cmd_test_alert, 0, "send a test alert through each sink", NULL, NULL},
	{.name = NULL},
};
