/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_keys.c - the one table of the configuration's keys.
 *
 * Parser, manual page, completion and the example in doc/ follow it; tests hold
 * them to it. It knows names and words, not how a value is read.
 */
#include "waymark/config/config.h"

const struct config_key config_keys[] = {
	{"", "mode", "word", "steer",
	 "steer: install the steering; audit: watch the marks that another tool sets"},
	{"", "user", "string", "waymark", "user that waymarkd runs as"},
	{"", "group", "string", "waymark", "group that may read the history and query waymarkd"},
	{"", "log-level", "word", "info",
	 "least severity that is logged: error, warning, "
	 "notice, info, debug"},
	{"", "database", "string", "/var/lib/waymark/flows.db",
	 "file that holds the history of flows"},
	{"", "control-socket", "string", "/run/waymark/control.sock",
	 "socket by which the tool asks the daemon"},
	{"", "mark-mask", "integer", "0xff", "bits of mark and ct mark that are Waymark's"},
	{"", "label-base", "integer", "64", "first of its connlabel bits"},
	{"", "nflog-group", "integer", "77", "NFLOG group that evidence comes by, 1 to 65535"},
	{"", "rule-priority", "integer", "4000", "priority of its first ip rule"},
	{"", "local-routes", "word", "suppress",
	 "how local destinations stay reachable: suppress, copy or exclude"},
	{"", "balance", "word", "true",
	 "install a default route over all uplinks by weight: true (in balance-table), false, "
	 "main"},
	{"", "balance-table", "integer", "252", "routing table of the balanced default route"},
	{"", "sysctl", "boolean", "true", "set the sysctls that it needs"},
	{"", "protect-table", "boolean", "false",
	 "own the nftables table, so that others' flush spares it"},
	{"", "repair", "boolean", "true",
	 "repair what other processes undo of it; false: only report it"},
	{"", "events", "word", "auto", "conntrack events that are asked for: auto, full, minimal"},
	{"", "event-buffer", "size", "64 MiB",
	 "the kernel's buffer for conntrack events, 64 KiB to 1 GiB"},
	{"", "max-flows", "integer", "4000000",
	 "flows followed at once; those beyond are written with what their events say"},
	{"", "retention", "duration", "90 days", "how long flows are kept; off: for ever"},
	{"", "max-size", "size", "2 GiB", "largest size of the database; off: no limit"},
	{"", "on-stop", "word", "keep", "the steering when the daemon stops: keep or remove"},
	{"", "on-uplink-down", "word", "hold",
	 "the flows of an uplink that is down: hold, or flush while another is up"},
	{"", "on-uplink-up", "word", "hold",
	 "flows that moved to a higher tier, when their uplink is back: hold or return"},
	{"", "on-mismatch", "word", "record",
	 "a flow that leaves by the wrong uplink: record it, or delete-flow, its entry too"},
	{"uplink", "interface", "string", NULL, "interface of the line"},
	{"uplink", "mark", "integer", NULL, "mark of its flows, within mark-mask"},
	{"uplink", "table", "integer", NULL, "its routing table; mode audit needs none"},
	{"uplink", "gateway", "string", NULL,
	 "IPv4 gateway; left out: learnt from the routes; none: point to point"},
	{"uplink", "gateway6", "string", NULL,
	 "IPv6 gateway; left out: learnt from the routes; none: point to point"},
	{"uplink", "weight", "integer", "1", "share of balanced flows, 0 to 256"},
	{"uplink", "tier", "integer", "1",
	 "new flows use the lowest tier that has a usable uplink, 1 to 255"},
	{"uplink", "quota", "size", "off", "bytes per month, with alerts at 80 % and 100 %"},
	{"uplink", "quota-day", "integer", "1", "day on which the quota's month starts, 1 to 28"},
	{"health", "passive", "boolean", "false",
	 "judge by the share of new flows that get an answer"},
	{"health", "exec", "string", NULL, "check program; exit status 0: healthy"},
	{"health", "interval", "duration", "5s", "time between checks, 1s to 1h"},
	{"health", "down-after", "integer", "3",
	 "bad results in a row until it is unhealthy, 1 to 100"},
	{"health", "up-after", "integer", "5",
	 "good results in a row until it is healthy, 1 to 100"},
	{"health", "on-failure", "word", "alert", "what follows: alert, drain or down"},
	{"alert", "exec", "string", NULL, "program, or folder of programs, to run for an alert"},
	{"alert", "user", "string", "nobody",
	 "user that those programs run as, without privileges"},
	{"alert", "json", "string", NULL, "file that takes a JSON line an alert"},
	{"alert", "syslog", "boolean", "true", "tell the journal, or syslog, of alerts"},
	{"alert", "webhook", "string", NULL, "URL that takes an alert's JSON object by POST"},
	{"alert", "webhook-header", "list", NULL, "HTTP header fields of the webhook's requests"},
	{"alert", "webhook-format", "string", "json",
	 "body of the webhook's requests: json, alertmanager, or the path of a template"},
	{"alert", "webhook-timeout", "duration", "5s",
	 "longest time for the webhook to answer, 1s to 5min"},
	{"alert", "min-interval", "duration", "60s",
	 "least time between alerts for the same uplinks and reason"},
	{"prometheus", "listen", "string", NULL,
	 "address and port that answer GET /metrics; a port alone: of 127.0.0.1"},
	{"prometheus", "textfile", "string", NULL,
	 "file that takes the same text every 15 seconds, replaced whole"},
	{"export", "router", "string", NULL, "name of this router; default: the host name"},
	{"export", "clickhouse", "list", NULL,
	 "URLs of ClickHouse, http or https, with the database"},
	{"export", "clickhouse-credentials", "string", NULL, "file that holds USER:PASSWORD"},
	{"export", "clickhouse-ca", "string", NULL, "PEM file with the CA of the servers"},
	{"export", "clickhouse-certificate", "string", NULL,
	 "PEM file with the client certificate"},
	{"export", "clickhouse-key", "string", NULL, "PEM file with the client certificate's key"},
	{"export", "ipfix", "string", NULL, "IPFIX collector, HOST:PORT"},
	{"export", "ipfix-transport", "word", "tcp", "how flows get there: tcp or udp"},
	{"export", "ipfix-pen", "integer", "0",
	 "private enterprise number; 0: no enterprise elements"},
	{"export", "file", "string", NULL,
	 "file or folder that gets every row; \"-\": standard output"},
	{"export", "file-format", "word", "json", "json: one JSON line per row; or csv"},
	{"export", "file-size", "size", "64 MiB",
	 "size at which a folder's files are rotated; off: never"},
	{"export", "timeout", "duration", "60s",
	 "longest time for a target to answer, 1s to 10min"},
	{"export", "state-file", "string", "/var/lib/waymark-export/state",
	 "file that keeps what was acknowledged"},
	{NULL, NULL, NULL, NULL, NULL},
};

const char *config_mode_name(enum config_mode m)
{
	static const char *const names[] = {[MODE_STEER] = "steer", [MODE_AUDIT] = "audit"};

	return names[m];
}

const char *config_local_routes_name(enum config_local_routes l)
{
	static const char *const names[] = {
		[LOCAL_SUPPRESS] = "suppress",
		[LOCAL_COPY] = "copy",
		[LOCAL_EXCLUDE] = "exclude",
	};

	return names[l];
}

const char *config_events_name(enum config_events e)
{
	static const char *const names[] = {
		[EVENTS_AUTO] = "auto",
		[EVENTS_FULL] = "full",
		[EVENTS_MINIMAL] = "minimal",
	};

	return names[e];
}

const char *config_on_stop_name(enum config_on_stop s)
{
	static const char *const names[] = {[ON_STOP_KEEP] = "keep", [ON_STOP_REMOVE] = "remove"};

	return names[s];
}

const char *config_on_down_name(enum config_on_down d)
{
	static const char *const names[] = {[ON_DOWN_HOLD] = "hold", [ON_DOWN_FLUSH] = "flush"};

	return names[d];
}

const char *config_on_mismatch_name(enum config_on_mismatch m)
{
	static const char *const names[] = {
		[ON_MISMATCH_RECORD] = "record",
		[ON_MISMATCH_DELETE] = "delete-flow",
	};

	return names[m];
}

const char *config_on_up_name(enum config_on_up u)
{
	static const char *const names[] = {[ON_UP_HOLD] = "hold", [ON_UP_RETURN] = "return"};

	return names[u];
}

const char *config_on_failure_name(enum config_on_failure f)
{
	static const char *const names[] = {
		[ON_FAILURE_ALERT] = "alert",
		[ON_FAILURE_DRAIN] = "drain",
		[ON_FAILURE_DOWN] = "down",
	};

	return names[f];
}

const char *config_balance_name(enum config_balance b)
{
	static const char *const names[] = {
		[BALANCE_OFF] = "false",
		[BALANCE_TABLE] = "true",
		[BALANCE_MAIN] = "main",
	};

	return names[b];
}
