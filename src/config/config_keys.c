/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_keys.c - the one table of the configuration's keys: name, field, type, bounds,
 * words, default and help.
 *
 * Parser, defaults, names of words, suggestions and what a configuration owns follow it;
 * tests check the manual page and the example against it.
 */
#include "config/config_keys.h"

#include <stddef.h>
#include <string.h>

#include "config/values.h"
#include "waymark/config/config.h"

#define PLACE(name, type, field)	 .section = name, .offset = offsetof(struct type, field)
#define TOP(field)			 PLACE("", config, field)
#define TOP_LINE(field)			 TOP(field), .line_offset = offsetof(struct config, field##_line)
#define UPLINK(field)			 PLACE("uplink", uplink_config, field)
#define UPLINK_LINE(field, line)	 UPLINK(field), .line_offset = offsetof(struct uplink_config, line)
#define HEALTH(field)			 PLACE("health", uplink_config, health.field)
#define ALERT(field)			 PLACE("alert", config, alert.field)
#define PROMETHEUS(field)		 PLACE("prometheus", config, field)
#define EXPORT(field)			 PLACE("export", config, export.field)

#define VALUE(name, reader, least, most) .type = name, .read = reader, .min = least, .max = most
#define WORDS(...)			 ((const char *const[]){__VA_ARGS__, NULL})
#define WORD(...)			 .type = "word", .read = values_read_word, .words = WORDS(__VA_ARGS__)
#define BOOLEAN				 .type = "boolean", .read = values_read_boolean
#define INTEGER(reader, least, most)	 VALUE("integer", reader, least, most)
#define TEXT(reader, longest)		 VALUE("string", reader, 0, longest), .is_text = true
#define LIST(reader, longest)		 VALUE("list", reader, 0, longest), .is_list = true

#define PATH_LENGTH			 4095 /* linux/limits.h, PATH_MAX */
#define URL_LENGTH			 2048
#define SOCKET_PATH_LENGTH		 107	     /* unix(7): sun_path and its 0 */
#define RULE_PRIORITY_LAST		 32765	     /* before table main's */
#define RETENTION_LAST			 31557600000 /* 1,000 years */

const struct config_key config_keys[] = {
	{"mode", TOP(mode), WORD("steer", "audit"), .initial = "steer",
	 .help = "steer: install the steering; audit: watch the marks that another tool sets"},
	{"user", TOP(user), TEXT(values_read_user, 255), .initial = "waymark",
	 .help = "user that waymarkd runs as"},
	{"group", TOP(group), TEXT(values_read_user, 255), .initial = "waymark",
	 .help = "group that may read the history and query waymarkd"},
	{"log-level", TOP(log_level), WORD("error", "warning", "notice", "info", "debug"),
	 .initial = "info",
	 .help = "least severity that is logged: error, warning, notice, info, debug"},
	{"database", TOP(database), TEXT(values_read_path, PATH_LENGTH),
	 .initial = "/var/lib/waymark/flows.db", .help = "file that holds the history of flows"},
	{"control-socket", TOP(control_socket), TEXT(values_read_path, SOCKET_PATH_LENGTH),
	 .initial = "/run/waymark/control.sock",
	 .help = "socket by which the tool asks the daemon"},
	{"mark-mask", TOP_LINE(mark_mask), INTEGER(values_read_u32, 1, UINT32_MAX),
	 .initial = "0xff", .help = "bits of mark and ct mark that are Waymark's"},
	{"label-base", TOP_LINE(label_base),
	 INTEGER(values_read_u32, 0, LABELS_TOTAL - LABELS_RESERVED - 1), .initial = "64",
	 .help = "first connlabel bit that it uses"},
	{"nflog-group", TOP(nflog_group), INTEGER(values_read_u16, 1, UINT16_MAX), .initial = "77",
	 .help = "NFLOG group that evidence comes by, 1 to 65535"},
	{"rule-priority", TOP_LINE(rule_priority), INTEGER(values_read_u32, 1, RULE_PRIORITY_LAST),
	 .initial = "4000", .help = "priority of its first ip rule"},
	{"local-routes", TOP(local_routes), WORD("suppress", "copy", "exclude"),
	 .initial = "suppress",
	 .help = "how local destinations stay reachable: suppress, copy or exclude"},
	{"balance", TOP(balance), .type = "word", .read = values_read_balance,
	 .words = WORDS("false", "true", "main"), .initial = "true",
	 .help = "install a default route over all uplinks by weight: true (in balance-table), "
		 "false, main"},
	{"balance-table", TOP_LINE(balance_table), INTEGER(values_read_u32, 0, UINT32_MAX),
	 .initial = "252", .help = "routing table of the balanced default route"},
	{"sysctl", TOP(sysctl), BOOLEAN, .initial = "true",
	 .help = "set the sysctls that it needs"},
	{"protect-table", TOP(protect_table), BOOLEAN, .initial = "false",
	 .help = "own the nftables table, so that others' flush spares it"},
	{"repair", TOP(repair), BOOLEAN, .initial = "true",
	 .help = "repair what other processes undo; false: only report it"},
	{"events", TOP(events), WORD("auto", "full", "minimal"), .initial = "auto",
	 .help = "conntrack events that are requested: auto, full, minimal"},
	{"event-buffer", TOP(event_buffer_bytes),
	 VALUE("size", values_read_buffer, 64 << 10, 1 << 30), .initial = "64 MiB",
	 .help = "the kernel's buffer for conntrack events, 64 KiB to 1 GiB"},
	{"max-flows", TOP(max_flows), INTEGER(values_read_u32, 1000, 1000000000),
	 .initial = "4000000",
	 .help = "flows followed at once; those beyond are written with what their events say"},
	{"retention", TOP(retention_s), VALUE("duration", values_read_retention, 0, RETENTION_LAST),
	 .initial = "90 days", .help = "how long flows are kept; off: for ever"},
	{"max-size", TOP(max_size_bytes), VALUE("size", values_read_size, 1 << 20, UINT64_MAX),
	 .initial = "2 GiB", .help = "largest size of the database; off: no limit"},
	{"anonymize", TOP(anonymize), VALUE("string", values_read_anonymize, 0, UINT64_MAX),
	 .initial = "off",
	 .help = "prefix that addresses of flows keep a day after their end: /24 or /24,/48; off"},
	{"on-stop", TOP(on_stop), WORD("keep", "remove"), .initial = "keep",
	 .help = "the steering when the daemon stops: keep or remove"},
	{"on-uplink-down", TOP(on_uplink_down), WORD("hold", "flush"), .initial = "hold",
	 .help = "the flows of an uplink that is down: hold, or flush while another is up"},
	{"on-uplink-up", TOP(on_uplink_up), WORD("hold", "return"), .initial = "hold",
	 .help = "flows that moved to a higher tier, when their uplink is back: hold or return"},
	{"on-mismatch", TOP(on_mismatch), WORD("record", "delete-flow"), .initial = "record",
	 .help = "a flow that leaves by the wrong uplink: record it, or delete-flow, its entry "
		 "too"},
	{"interface", UPLINK_LINE(ifname, interface_line),
	 VALUE("string", values_read_ifname, 0, UINT64_MAX), .help = "interface of the uplink"},
	{"mark", UPLINK_LINE(mark, mark_line), INTEGER(values_read_u32, 0, UINT32_MAX),
	 .help = "mark of its flows, within mark-mask"},
	{"table", UPLINK_LINE(table, table_line), INTEGER(values_read_u32, 0, UINT32_MAX),
	 .help = "its routing table; mode audit needs none"},
	{"gateway", UPLINK(gateway), VALUE("string", values_read_gateway4, 0, UINT64_MAX),
	 .help = "IPv4 gateway; left out: learnt from the routes; none: point to point"},
	{"gateway6", UPLINK(gateway6), VALUE("string", values_read_gateway6, 0, UINT64_MAX),
	 .help = "IPv6 gateway; left out: learnt from the routes; none: point to point"},
	{"weight", UPLINK(weight), INTEGER(values_read_u32, 0, 256), .initial = "1",
	 .help = "share of balanced flows, 0 to 256"},
	{"tier", UPLINK(tier), INTEGER(values_read_u32, 1, 255), .initial = "1",
	 .help = "new flows use the lowest tier that has a usable uplink, 1 to 255"},
	{"quota", UPLINK(quota_bytes), VALUE("size", values_read_size, 1, UINT64_MAX),
	 .initial = "off", .help = "bytes per month, with alerts at 80 % and 100 %"},
	{"quota-day", UPLINK(quota_day), INTEGER(values_read_u32, 1, 28), .initial = "1",
	 .help = "day on which the quota's month starts, 1 to 28"},
	{"passive", HEALTH(passive), BOOLEAN, .initial = "false",
	 .help = "judge by the share of new flows that get an answer"},
	{"exec", HEALTH(exec), TEXT(values_read_path, PATH_LENGTH),
	 .help = "check program; exit status 0: healthy"},
	{"interval", HEALTH(interval_ms), VALUE("duration", values_read_interval_ms, 1, 3600),
	 .initial = "5s", .help = "time between checks, 1s to 1h"},
	{"down-after", HEALTH(down_after), INTEGER(values_read_u32, 1, 100), .initial = "3",
	 .help = "bad results in a row until it is unhealthy, 1 to 100"},
	{"up-after", HEALTH(up_after), INTEGER(values_read_u32, 1, 100), .initial = "5",
	 .help = "good results in a row until it is healthy, 1 to 100"},
	{"on-failure", HEALTH(on_failure), WORD("alert", "drain", "down"), .initial = "alert",
	 .help = "what follows: alert, drain or down"},
	{"exec", ALERT(exec), TEXT(values_read_path, PATH_LENGTH),
	 .help = "program, or folder of programs, to run for an alert"},
	{"user", ALERT(user), TEXT(values_read_user, 255), .initial = "nobody",
	 .help = "user that those programs run as, without privileges"},
	{"json", ALERT(json), TEXT(values_read_path, PATH_LENGTH),
	 .help = "file that gets one JSON line per alert"},
	{"syslog", ALERT(syslog), BOOLEAN, .initial = "true",
	 .help = "log alerts to the journal, or syslog"},
	{"webhook", ALERT(webhook), TEXT(values_read_webhook, URL_LENGTH), .is_secret = true,
	 .help = "URL that takes an alert's JSON object by POST"},
	{"webhook-header", ALERT(webhook_headers), LIST(values_read_header, URL_LENGTH),
	 .is_secret = true, .help = "HTTP header fields of the webhook's requests"},
	{"webhook-format", ALERT(webhook_format), TEXT(values_read_format, PATH_LENGTH),
	 .initial = "json",
	 .help = "body of the webhook's requests: json, alertmanager, or the path of a template"},
	{"webhook-timeout", ALERT(webhook_timeout_s),
	 VALUE("duration", values_read_interval, 1, 300), .initial = "5s",
	 .help = "longest time for the webhook to answer, 1s to 5min"},
	{"min-interval", ALERT(min_interval_s),
	 VALUE("duration", values_read_interval, 0, UINT32_MAX), .initial = "60s",
	 .help = "least time between alerts for the same uplinks and reason"},
	{"listen", PROMETHEUS(prometheus), VALUE("string", values_read_listen, 1, UINT16_MAX),
	 .help = "address and port that answer GET /metrics; a port alone: of 127.0.0.1"},
	{"textfile", PROMETHEUS(prometheus.textfile), TEXT(values_read_path, PATH_LENGTH),
	 .help = "file that takes the same text every 15 seconds, replaced whole"},
	{"router", EXPORT(router), TEXT(values_read_plain, 255),
	 .help = "name of this router; default: the host name"},
	{"clickhouse", EXPORT(clickhouse), LIST(values_read_urls, URL_LENGTH), .is_secret = true,
	 .help = "URLs of ClickHouse, http or https, with the database"},
	{"clickhouse-credentials", EXPORT(clickhouse_credentials),
	 TEXT(values_read_path, PATH_LENGTH), .help = "file that holds USER:PASSWORD"},
	{"clickhouse-ca", EXPORT(clickhouse_ca), TEXT(values_read_path, PATH_LENGTH),
	 .help = "PEM file with the CA of the servers"},
	{"clickhouse-certificate", EXPORT(clickhouse_certificate),
	 TEXT(values_read_path, PATH_LENGTH), .help = "PEM file with the client certificate"},
	{"clickhouse-key", EXPORT(clickhouse_key), TEXT(values_read_path, PATH_LENGTH),
	 .help = "PEM file with the client certificate's key"},
	{"ipfix", EXPORT(ipfix), TEXT(values_read_host_port, 300),
	 .help = "IPFIX collector, HOST:PORT"},
	{"ipfix-transport", EXPORT(ipfix_transport), WORD("tcp", "udp"), .initial = "tcp",
	 .help = "how flows get there: tcp or udp"},
	{"ipfix-pen", EXPORT(ipfix_pen), INTEGER(values_read_u32, 0, UINT32_MAX), .initial = "0",
	 .help = "private enterprise number; 0: no enterprise elements"},
	{"file", EXPORT(file), TEXT(values_read_output, PATH_LENGTH),
	 .help = "file or folder that gets every row; \"-\": standard output"},
	{"file-format", EXPORT(file_format), WORD("json", "csv"), .initial = "json",
	 .help = "json: one JSON line per row; or csv"},
	{"file-size", EXPORT(file_size_bytes), VALUE("size", values_read_size, 4096, UINT64_MAX),
	 .initial = "64 MiB", .help = "size at which a folder's files are rotated; off: never"},
	{"timeout", EXPORT(timeout_s), VALUE("duration", values_read_interval, 1, 600),
	 .initial = "60s", .help = "longest time for a target to answer, 1s to 10min"},
	{"state-file", EXPORT(state_file), TEXT(values_read_path, PATH_LENGTH),
	 .initial = "/var/lib/waymark-export/state",
	 .help = "file that keeps what was acknowledged"},
	{.name = NULL},
};

const struct config_key *config_key_find(const char *section, const char *name)
{
	const struct config_key *key = config_keys;

	while (key->name && (strcmp(key->section, section) || strcmp(key->name, name)))
		key++;
	return key->name ? key : NULL;
}

bool config_section_is_of_uplink(const char *section)
{
	return strcmp(section, "uplink") == 0 || strcmp(section, "health") == 0;
}

bool config_is_boolean(const char *section, const char *name)
{
	const struct config_key *key = config_key_find(section, name);

	return key && !strcmp(key->type, "boolean");
}

const char *config_mode_name(enum config_mode m)
{
	return config_key_find("", "mode")->words[m];
}

const char *config_balance_name(enum config_balance b)
{
	static const char *const words[] = {
		[BALANCE_OFF] = "false", [BALANCE_TABLE] = "true", [BALANCE_MAIN] = "main"};

	return words[b];
}

const char *config_on_mismatch_name(enum config_on_mismatch m)
{
	return config_key_find("", "on-mismatch")->words[m];
}
