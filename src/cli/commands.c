/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commands.c - the table of commands: name, function, options, help, operands.
 *
 * main.c dispatches by it and prints usage and completion from it.
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
	 "validate the file and this host; exit 1 on an error", NULL, NULL},
	{"diff", cmd_diff, 0, "show the differences between what is installed and the file", NULL,
	 NULL},
	{"rules", cmd_rules, 0, "print what would be installed; change nothing", NULL, NULL},
	{"apply", cmd_apply, WITH(OPTION_CONFIRM), "install the steering", NULL, NULL},
	{"confirm", cmd_confirm, 0, "keep what 'apply --confirm' installed", NULL, NULL},
	{"remove", cmd_remove, 0, "remove the steering and restore what it displaced", NULL, NULL},
	{"import", cmd_import, 0,
	 "print a configuration from a file of another tool, or from a UCI file",
	 "mwan3|pbr|waymark FILE", "mwan3 pbr waymark"},
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
	 DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC) | WITH(OPTION_DATABASE) |
		 WITH(OPTION_PROTO) | WITH(OPTION_SRC) | WITH(OPTION_SPORT) | WITH(OPTION_DST) |
		 WITH(OPTION_DPORT),
	 "explain a flow's verdict: by id, by 'tcp A:P > B:Q', or the newest that fits",
	 "[ID|FLOW]", NULL},
	{"watch", cmd_watch, DAEMON | WITH(OPTION_JSON) | WITH(OPTION_UTC),
	 "show flows, mismatches and alerts as they happen", NULL, NULL},
	{"top", cmd_top, DAEMON | WITH(OPTION_DATABASE) | WITH(OPTION_UTC),
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
