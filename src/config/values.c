/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.c - reads the text of one value: words, numbers, paths, names,
 * durations, sizes, addresses.
 *
 * It must not know libconfuse, nor lines: who calls it says where the value
 * stands. What depends on another key is config_validate.c's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/values.h"
#include "waymark/config/config.h"

static int __attribute__((format(printf, 2, 3)))
refuse(struct complaint *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return -EINVAL;
}

static int read_word(const struct field *f, const char *text, void *out, struct complaint *why)
{
	size_t length = strlen(text);
	unsigned value = 0;

	for (const char *word = f->words; *word; value++) {
		size_t n = strcspn(word, " ");

		if (n == length && strncmp(word, text, n) == 0) {
			memcpy(out, &value, sizeof(value));
			return 0;
		}
		word += n + strspn(word + n, " ");
	}
	return refuse(why, "is not one of its words; choose one of: %s", f->words);
}

/* Decimal or 0x and hexadecimal. A leading 0 would be octal to some and decimal
 * to others, so it is neither. */
static int number_parse(const char *text, uint64_t *value)
{
	bool is_hex = strncasecmp(text, "0x", 2) == 0;
	const char *digits = is_hex ? text + 2 : text;
	size_t n = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (n == 0 || digits[n] != '\0' || (!is_hex && n > 1 && digits[0] == '0'))
		return -EINVAL;
	errno = 0;
	*value = strtoull(digits, NULL, is_hex ? 16 : 10);
	return errno ? -ERANGE : 0;
}

static int read_number(const struct field *f, const char *text, uint64_t *value,
		       struct complaint *why)
{
	int err = number_parse(text, value);

	if (err == -EINVAL)
		return refuse(why, "is not a number; write it like 10 or 0x0a");
	if (err < 0 || *value < f->min || *value > f->max)
		return refuse(why, "is out of range; choose %" PRIu64 " to %" PRIu64, f->min,
			      f->max);
	return 0;
}

static int read_u32(const struct field *f, const char *text, void *out, struct complaint *why)
{
	uint64_t value;
	int err = read_number(f, text, &value, why);

	if (err == 0)
		*(uint32_t *)out = (uint32_t)value;
	return err;
}

static int read_u16(const struct field *f, const char *text, void *out, struct complaint *why)
{
	uint64_t value;
	int err = read_number(f, text, &value, why);

	if (err == 0)
		*(uint16_t *)out = (uint16_t)value;
	return err;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
	return strcasecmp(text, a) == 0 || strcasecmp(text, b) == 0 || strcasecmp(text, c) == 0;
}

static int read_boolean(const struct field *f, const char *text, void *out, struct complaint *why)
{
	(void)f;
	if (is_one_of(text, "true", "yes", "on"))
		*(bool *)out = true;
	else if (is_one_of(text, "false", "no", "off"))
		*(bool *)out = false;
	else
		return refuse(why, "is neither true nor false; write one of these");
	return 0;
}

static int text_replace(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int read_path(const struct field *f, const char *text, void *out, struct complaint *why)
{
	if (text[0] != '/')
		return refuse(why, "is not an absolute path; begin it with /");
	if (strlen(text) > f->max)
		return refuse(why, "is too long; choose a path of at most %" PRIu64 " bytes",
			      f->max);
	return text_replace(out, text);
}

static int read_output(const struct field *f, const char *text, void *out, struct complaint *why)
{
	return strcmp(text, "-") == 0 ? text_replace(out, text) : read_path(f, text, out, why);
}

/* Scheme and host as far as they can be seen without asking anybody. */
static int read_url(const struct field *f, const char *text, void *out, struct complaint *why)
{
	size_t scheme = !strncasecmp(text, "https://", 8) ? 8 : 0;

	if (!scheme && !strncasecmp(text, "http://", 7))
		scheme = 7;
	if (!scheme)
		return refuse(why, "is not a URL of the web; begin it with https:// or http://");
	if (!text[scheme + strspn(text + scheme, "/?#")] || strchr("/?#", text[scheme]))
		return refuse(why, "names no host; write it like https://host.example/path");
	if (text[strcspn(text, " \"<>\\^`{|}")])
		return refuse(why, "holds a character that no URL can; write it as %%XX");
	if (strlen(text) > f->max)
		return refuse(why, "is too long; choose at most %" PRIu64 " bytes", f->max);
	return text_replace(out, text);
}

static int read_user(const struct field *f, const char *text, void *out, struct complaint *why)
{
	char *copy;

	if (!text[0] || strlen(text) > f->max || strpbrk(text, ":/ "))
		return refuse(why,
			      "cannot be a user's name; choose one that 'getent passwd' shows");
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*(char **)out);
	*(char **)out = copy;
	return 0;
}

/* true and false as of a boolean, or "main". */
static int read_balance(const struct field *f, const char *text, void *out, struct complaint *why)
{
	bool is_on;

	if (strcmp(text, "main") == 0) {
		*(enum config_balance *)out = BALANCE_MAIN;
		return 0;
	}
	if (read_boolean(f, text, &is_on, why) < 0)
		return refuse(why, "is none of its words; write true, false or \"main\"");
	*(enum config_balance *)out = is_on ? BALANCE_TABLE : BALANCE_OFF;
	return 0;
}

static int read_plain(const struct field *f, const char *text, void *out, struct complaint *why)
{
	if (!text[0] || strlen(text) > f->max)
		return refuse(why, "is empty or too long; choose 1 to %" PRIu64 " bytes", f->max);
	return text_replace(out, text);
}

static int list_add(char ***list, const char *text)
{
	size_t n = 0;
	char **longer;

	while (*list && (*list)[n])
		n++;
	longer = realloc(*list, (n + 2) * sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	*list = longer;
	longer[n] = strdup(text);
	longer[n + 1] = NULL;
	return longer[n] ? 0 : -ENOMEM;
}

static int read_urls(const struct field *f, const char *text, void *out, struct complaint *why)
{
	char *url = NULL;
	int err = read_url(f, text, &url, why);

	if (err == 0)
		err = list_add(out, url);
	free(url);
	return err;
}

/* A field name is a token of RFC 9110. */
static int read_header(const struct field *f, const char *text, void *out, struct complaint *why)
{
	size_t n = strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (n == 0 || text[n] != ':')
		return refuse(why, "is not a header field; write it like \"NAME: VALUE\"");
	if (strlen(text) > f->max)
		return refuse(why, "is too long; choose at most %" PRIu64 " bytes", f->max);
	return list_add(out, text);
}

static int read_format(const struct field *f, const char *text, void *out, struct complaint *why)
{
	if (strcmp(text, "json") != 0 && strcmp(text, "alertmanager") != 0 && text[0] != '/')
		return refuse(why, "is no format; write \"json\", \"alertmanager\" or the absolute "
				   "path of a template");
	return read_plain(f, text, out, why);
}

/* HOST:PORT; a host is a name or an address, an IPv6 address in brackets. */
static int read_host_port(const struct field *f, const char *text, void *out, struct complaint *why)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (!colon || colon == text || strlen(text) > f->max || strpbrk(text, " /\"'") ||
	    (memchr(text, ':', (size_t)(colon - text)) && (text[0] != '[' || colon[-1] != ']')))
		return refuse(why, "is not HOST:PORT; write it like collector.example:4739");
	if (number_parse(colon + 1, &port) < 0 || port < 1 || port > UINT16_MAX)
		return refuse(why, "has no port; write it like collector.example:4739");
	return text_replace(out, text);
}

static bool is_unlimited(const char *text)
{
	return strcmp(text, "off") == 0 || strcmp(text, "0") == 0;
}

static int read_duration(const struct field *f, const char *text, uint64_t *value,
			 struct complaint *why)
{
	int err = duration_parse(value, text);

	if (err == -EINVAL)
		return refuse(why,
			      "is not a duration; write it like \"60s\", \"2h\" or \"90 days\"");
	if (err < 0 || *value > f->max)
		return refuse(why, "is too long; choose at most %" PRIu64 " seconds", f->max);
	if (*value < f->min)
		return refuse(why, "is too short; choose at least %" PRIu64 " seconds", f->min);
	return 0;
}

static int read_interval(const struct field *f, const char *text, void *out, struct complaint *why)
{
	uint64_t value;
	int err = read_duration(f, text, &value, why);

	if (err == 0)
		*(uint32_t *)out = (uint32_t)value;
	return err;
}

static int read_interval_ms(const struct field *f, const char *text, void *out,
			    struct complaint *why)
{
	uint64_t value;
	int err = read_duration(f, text, &value, why);

	if (err == 0)
		*(uint32_t *)out = (uint32_t)value * 1000;
	return err;
}

static int read_retention(const struct field *f, const char *text, void *out, struct complaint *why)
{
	if (!is_unlimited(text))
		return read_duration(f, text, out, why);
	*(uint64_t *)out = 0;
	return 0;
}

static int read_size(const struct field *f, const char *text, void *out, struct complaint *why)
{
	uint64_t value = 0;
	int err = is_unlimited(text) ? 0 : size_parse(&value, text);

	if (err == -EINVAL)
		return refuse(why, "is not a size; write it like \"500 MB\", \"2 GiB\" or \"off\"");
	if (err < 0)
		return refuse(why, "is too large; choose at most 8 EiB, or \"off\"");
	if (value < f->min && !is_unlimited(text))
		return refuse(why, "is too small; choose at least %" PRIu64 " bytes, or \"off\"",
			      f->min);
	*(uint64_t *)out = value;
	return 0;
}

/* A size that cannot be without limit. */
static int read_buffer(const struct field *f, const char *text, void *out, struct complaint *why)
{
	uint64_t value = 0;

	if (size_parse(&value, text) == -EINVAL)
		return refuse(why, "is not a size; write it like \"500 kB\" or \"32 MiB\"");
	if (value < f->min || value > f->max)
		return refuse(why, "is out of range; choose %" PRIu64 " to %" PRIu64 " bytes",
			      f->min, f->max);
	*(uint64_t *)out = value;
	return 0;
}

/* The kernel's rule: net/core/dev.c, dev_valid_name(). */
static int read_ifname(const struct field *f, const char *text, void *out, struct complaint *why)
{
	(void)f;
	if (text[0] == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return refuse(why, "is not the name of an interface; see 'ip link' for names");
	if (strlen(text) >= IFNAMSIZ)
		return refuse(why, "is too long for an interface; the kernel allows %d bytes",
			      IFNAMSIZ - 1);
	if (strpbrk(text, "/: \t\n\v\f\r\xa0"))
		return refuse(why, "holds '/', ':' or a blank, which no interface name can");
	/* nft(8) has no way to write one within a string. */
	if (strchr(text, '"'))
		return refuse(why, "holds '\"', which a ruleset cannot; rename the interface: "
				   "ip link set dev OLD name NEW");
	memset(out, 0, IFNAMSIZ);
	memcpy(out, text, strlen(text));
	return 0;
}

/* 0.0.0.0/8, 127/8 and 224/3; ::, ::1 and ff00::/8. */
static bool is_unicast(const struct addr *a)
{
	static const uint8_t zeros[15];

	if (a->family == AF_INET)
		return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;
	return a->bytes[0] != 0xff && !(memcmp(a->bytes, zeros, 15) == 0 && a->bytes[15] <= 1);
}

static int read_gateway(const char *text, int family, struct gateway *out, struct complaint *why)
{
	int version = family == AF_INET ? 4 : 6;
	struct addr addr;

	if (strcmp(text, "none") == 0) {
		*out = (struct gateway){.kind = GATEWAY_NONE};
		return 0;
	}
	if (addr_parse(&addr, text) < 0)
		return refuse(
			why,
			"is not an IPv%d address; write one, or \"none\", or leave the key out",
			version);
	if (addr.family != family)
		return refuse(why, "is an IPv%d address; the key for it is %s", 10 - version,
			      family == AF_INET ? "gateway6" : "gateway");
	if (!is_unicast(&addr))
		return refuse(why, "cannot be a gateway; write a neighbour's address, or \"none\"");
	*out = (struct gateway){.kind = GATEWAY_ADDR, .addr = addr};
	return 0;
}

static int read_gateway4(const struct field *f, const char *text, void *out, struct complaint *why)
{
	(void)f;
	return read_gateway(text, AF_INET, out, why);
}

static int read_gateway6(const struct field *f, const char *text, void *out, struct complaint *why)
{
	(void)f;
	return read_gateway(text, AF_INET6, out, why);
}

/* ADDRESS:PORT, with brackets around an IPv6 address; a port alone is the router's own
 * business: loopback. */
static int read_listen(const struct field *f, const char *text, void *out, struct complaint *why)
{
	struct prometheus_config *p = out;
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool is_bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
	char host[ADDR_STRLEN] = "127.0.0.1";
	uint64_t port;

	if (length - 2 * is_bracketed >= sizeof(host))
		return refuse(why, "is not ADDRESS:PORT; write it like 127.0.0.1:9469");
	if (colon)
		snprintf(host, sizeof(host), "%.*s", (int)(length - 2 * is_bracketed),
			 text + is_bracketed);
	if (number_parse(colon ? colon + 1 : text, &port) < 0 || port < f->min || port > f->max)
		return refuse(why, "has no port; write it like 127.0.0.1:9469");
	if (addr_parse(&p->addr, host) < 0 || is_bracketed != (p->addr.family == AF_INET6))
		return refuse(why, "has no address; write it like 127.0.0.1:9469 or [::1]:9469");
	p->port = (uint16_t)port;
	return 0;
}

#define TOP(field)	   .section = "", .offset = offsetof(struct config, field)
#define TOP_LINE(field)	   TOP(field), .line_offset = offsetof(struct config, field##_line)
#define UPLINK(field)	   .section = "uplink", .offset = offsetof(struct uplink_config, field)
#define UPLINK_LINE(line)  .line_offset = offsetof(struct uplink_config, line)
#define ALERT(field)	   .section = "alert", .offset = offsetof(struct config, alert.field)
#define PROMETHEUS(field)  .section = "prometheus", .offset = offsetof(struct config, field)

#define HEALTH(field)	   .section = "health", .offset = offsetof(struct uplink_config, health.field)
#define EXPORT(field)	   .section = "export", .offset = offsetof(struct config, export.field)

#define PATH_LENGTH	   4095 /* linux/limits.h, PATH_MAX */
#define URL_LENGTH	   2048
#define SOCKET_PATH_LENGTH 107	       /* unix(7): sun_path and its 0 */
#define RULE_PRIORITY_LAST 32765       /* before table main's */
#define RETENTION_LAST	   31557600000 /* 1,000 years */

static const struct field fields[] = {
	{.name = "mode", TOP(mode), .read = read_word, .words = "steer audit"},
	{.name = "database", TOP(database), .read = read_path, .max = PATH_LENGTH},
	{.name = "control-socket",
	 TOP(control_socket),
	 .read = read_path,
	 .max = SOCKET_PATH_LENGTH},
	{.name = "mark-mask", TOP_LINE(mark_mask), .read = read_u32, .min = 1, .max = UINT32_MAX},
	{.name = "label-base",
	 TOP_LINE(label_base),
	 .read = read_u32,
	 .max = LABELS_TOTAL - LABELS_RESERVED - 1},
	{.name = "nflog-group", TOP(nflog_group), .read = read_u16, .min = 1, .max = UINT16_MAX},
	{.name = "rule-priority",
	 TOP_LINE(rule_priority),
	 .read = read_u32,
	 .min = 1,
	 .max = RULE_PRIORITY_LAST},
	{.name = "local-routes",
	 TOP(local_routes),
	 .read = read_word,
	 .words = "suppress copy exclude"},
	{.name = "user", TOP(user), .read = read_user, .max = 255},
	{.name = "group", TOP(group), .read = read_user, .max = 255},
	{.name = "log-level",
	 TOP(log_level),
	 .read = read_word,
	 .words = "error warning notice info debug"},
	{.name = "balance", TOP(balance), .read = read_balance},
	{.name = "balance-table", TOP_LINE(balance_table), .read = read_u32, .max = UINT32_MAX},
	{.name = "protect-table", TOP(protect_table), .read = read_boolean},
	{.name = "sysctl", TOP(sysctl), .read = read_boolean},
	{.name = "repair", TOP(repair), .read = read_boolean},
	{.name = "events", TOP(events), .read = read_word, .words = "auto full minimal"},
	{.name = "event-buffer",
	 TOP(event_buffer_bytes),
	 .read = read_buffer,
	 .min = 64 << 10,
	 .max = 1 << 30},
	{.name = "max-flows", TOP(max_flows), .read = read_u32, .min = 1000, .max = 1000000000},
	{.name = "retention", TOP(retention_s), .read = read_retention, .max = RETENTION_LAST},
	{.name = "max-size", TOP(max_size_bytes), .read = read_size, .min = 1 << 20},
	{.name = "on-stop", TOP(on_stop), .read = read_word, .words = "keep remove"},
	{.name = "on-uplink-down", TOP(on_uplink_down), .read = read_word, .words = "hold flush"},
	{.name = "on-uplink-up", TOP(on_uplink_up), .read = read_word, .words = "hold return"},
	{.name = "on-mismatch", TOP(on_mismatch), .read = read_word, .words = "record delete-flow"},
	{.name = "interface", UPLINK(ifname), UPLINK_LINE(interface_line), .read = read_ifname},
	{.name = "mark", UPLINK(mark), UPLINK_LINE(mark_line), .read = read_u32, .max = UINT32_MAX},
	{.name = "table",
	 UPLINK(table),
	 UPLINK_LINE(table_line),
	 .read = read_u32,
	 .max = UINT32_MAX},
	{.name = "gateway", UPLINK(gateway), .read = read_gateway4},
	{.name = "gateway6", UPLINK(gateway6), .read = read_gateway6},
	{.name = "weight", UPLINK(weight), .read = read_u32, .max = 256},
	{.name = "tier", UPLINK(tier), .read = read_u32, .min = 1, .max = 255},
	{.name = "quota", UPLINK(quota_bytes), .read = read_size, .min = 1},
	{.name = "quota-day", UPLINK(quota_day), .read = read_u32, .min = 1, .max = 28},
	{.name = "passive", HEALTH(passive), .read = read_boolean},
	{.name = "exec", HEALTH(exec), .read = read_path, .max = PATH_LENGTH},
	{.name = "interval", HEALTH(interval_ms), .read = read_interval_ms, .min = 1, .max = 3600},
	{.name = "down-after", HEALTH(down_after), .read = read_u32, .min = 1, .max = 100},
	{.name = "up-after", HEALTH(up_after), .read = read_u32, .min = 1, .max = 100},
	{.name = "on-failure", HEALTH(on_failure), .read = read_word, .words = "alert drain down"},
	{.name = "exec", ALERT(exec), .read = read_path, .max = PATH_LENGTH},
	{.name = "user", ALERT(user), .read = read_user, .max = 255},
	{.name = "json", ALERT(json), .read = read_path, .max = PATH_LENGTH},
	{.name = "syslog", ALERT(syslog), .read = read_boolean},
	{.name = "webhook", ALERT(webhook), .read = read_url, .max = URL_LENGTH, .is_secret = true},
	{.name = "webhook-header",
	 ALERT(webhook_headers),
	 .read = read_header,
	 .max = URL_LENGTH,
	 .is_secret = true,
	 .is_list = true},
	{.name = "webhook-format", ALERT(webhook_format), .read = read_format, .max = PATH_LENGTH},
	{.name = "webhook-timeout",
	 ALERT(webhook_timeout_s),
	 .read = read_interval,
	 .min = 1,
	 .max = 300},
	{.name = "min-interval", ALERT(min_interval_s), .read = read_interval, .max = UINT32_MAX},
	{.name = "listen",
	 PROMETHEUS(prometheus),
	 .read = read_listen,
	 .min = 1,
	 .max = UINT16_MAX},
	{.name = "textfile",
	 PROMETHEUS(prometheus.textfile),
	 .read = read_path,
	 .max = PATH_LENGTH},
	{.name = "router", EXPORT(router), .read = read_plain, .max = 255},
	{.name = "clickhouse",
	 EXPORT(clickhouse),
	 .read = read_urls,
	 .max = URL_LENGTH,
	 .is_secret = true,
	 .is_list = true},
	{.name = "clickhouse-credentials",
	 EXPORT(clickhouse_credentials),
	 .read = read_path,
	 .max = PATH_LENGTH},
	{.name = "clickhouse-ca", EXPORT(clickhouse_ca), .read = read_path, .max = PATH_LENGTH},
	{.name = "clickhouse-certificate",
	 EXPORT(clickhouse_certificate),
	 .read = read_path,
	 .max = PATH_LENGTH},
	{.name = "clickhouse-key", EXPORT(clickhouse_key), .read = read_path, .max = PATH_LENGTH},
	{.name = "ipfix", EXPORT(ipfix), .read = read_host_port, .max = 300},
	{.name = "ipfix-transport", EXPORT(ipfix_transport), .read = read_word, .words = "tcp udp"},
	{.name = "ipfix-pen", EXPORT(ipfix_pen), .read = read_u32, .max = UINT32_MAX},
	{.name = "file", EXPORT(file), .read = read_output, .max = PATH_LENGTH},
	{.name = "file-format", EXPORT(file_format), .read = read_word, .words = "json csv"},
	{.name = "file-size", EXPORT(file_size_bytes), .read = read_size, .min = 4096},
	{.name = "timeout", EXPORT(timeout_s), .read = read_interval, .min = 1, .max = 600},
	{.name = "state-file", EXPORT(state_file), .read = read_path, .max = PATH_LENGTH},
};

const struct field *field_find(const char *section, const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].section, section) == 0 && strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}
