/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_config.c - proves which configurations are accepted and refused: each bad one with its line
 * and a word of the message, and with one message per fault; the shipped example complete, cut at
 * every byte, and with bytes changed (seed printed).
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_bad.h"
#include "config/config_keys.h"
#include "waymark/config/config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static char file_path[] = "/tmp/waymark-test-config-XXXXXX";
static int file_fd = -1;
static char *messages; /* of the last load */

static int file_setup(void **state)
{
	(void)state;
	file_fd = mkstemp(file_path);
	return file_fd < 0 ? -1 : 0;
}

static int file_teardown(void **state)
{
	(void)state;
	free(messages);
	close(file_fd);
	return unlink(file_path);
}

static int load_path(struct config **c, const char *path)
{
	size_t size;
	FILE *errors;
	int err;

	free(messages);
	messages = NULL;
	errors = open_memstream(&messages, &size);
	assert_non_null(errors);
	err = config_load(c, path, errors);
	fclose(errors);
	assert_true((err == 0) == (*c != NULL));
	assert_true((err == 0) == (size == 0));
	return err;
}

static int load_bytes(struct config **c, const char *text, size_t length)
{
	assert_int_equal(ftruncate(file_fd, 0), 0);
	assert_int_equal(pwrite(file_fd, text, length, 0), length);
	return load_path(c, file_path);
}

static struct config *load_good(const char *text)
{
	struct config *c;

	if (load_bytes(&c, text, strlen(text)) < 0)
		fail_msg("refused:\n%s\n%s", text, messages);
	return c;
}

static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void check_bad(size_t i)
{
	unsigned expected = bad[i].n_messages ? bad[i].n_messages : 1;
	char place[PATH_MAX];
	struct config *c;
	char *at;

	if (load_bytes(&c, bad[i].text, strlen(bad[i].text)) != -EINVAL)
		fail_msg("not refused:\n%s", bad[i].text);
	snprintf(place, sizeof(place), "%s:%d: ", file_path, bad[i].line);
	at = strstr(messages, place);
	if (!at || !strstr(at, bad[i].word) || lines_of(messages) != expected)
		fail_msg("wanted %u message(s), at %d '%s' for:\n%s\nbut got:\n%s", expected,
			 bad[i].line, bad[i].word, bad[i].text, messages);
}

static void test_bad(void **state)
{
	(void)state;
	assert_true(COUNT(bad) >= 60);
	for (size_t i = 0; i < COUNT(bad); i++)
		check_bad(i);
}

static void test_unreadable(void **state)
{
	struct config *c;

	(void)state;
	assert_int_equal(load_path(&c, "/nonexistent/waymark.conf"), -ENOENT);
	assert_non_null(strstr(
		messages, "/nonexistent/waymark.conf: the configuration cannot be read: No such"));
	assert_int_equal(load_path(&c, "/tmp"), -EISDIR);
	assert_int_equal(load_path(&c, "/dev/zero"), -EFBIG);
	assert_int_equal(load_bytes(&c, "mode = \"steer\"\n\0" A, 60), -EINVAL);
	assert_non_null(strstr(messages, ":2: not a text file"));
}

static void check_defaults(const struct config *c)
{
	assert_int_equal(c->mode, MODE_STEER);
	assert_string_equal(c->database, "/var/lib/waymark/flows.db");
	assert_string_equal(c->control_socket, "/run/waymark/control.sock");
	assert_int_equal(c->mark_mask, 0xff);
	assert_int_equal(c->label_base, 64);
	assert_int_equal(c->nflog_group, 77);
	assert_int_equal(c->rule_priority, 4000);
	assert_int_equal(c->local_routes, LOCAL_SUPPRESS);
	assert_int_equal(c->balance, BALANCE_TABLE);
	assert_true(c->sysctl);
	assert_true(c->repair);
	assert_int_equal(c->events, EVENTS_AUTO);
	assert_int_equal(c->event_buffer_bytes, 64 * 1024 * 1024);
	assert_int_equal(c->max_flows, 4000000);
	assert_int_equal(c->retention_s, 90 * 86400);
	assert_int_equal(c->max_size_bytes, 2ULL * 1024 * 1024 * 1024);
	assert_int_equal(c->on_stop, ON_STOP_KEEP);
	assert_int_equal(c->on_uplink_down, ON_DOWN_HOLD);
	assert_int_equal(c->on_mismatch, ON_MISMATCH_RECORD);
	assert_null(c->alert.exec);
	assert_null(c->alert.json);
	assert_true(c->alert.syslog);
	assert_int_equal(c->alert.min_interval_s, 60);
	assert_null(c->alert.webhook);
	assert_int_equal(c->alert.webhook_timeout_s, 5);
	assert_int_equal(c->prometheus.port, 0);
	assert_null(c->prometheus.textfile);
	assert_string_equal(c->user, "waymark");
	assert_string_equal(c->group, "waymark");
	assert_int_equal(c->log_level, CONFIG_LOG_INFO);
	assert_int_equal(c->balance_table, 252);
	assert_false(c->protect_table);
	assert_int_equal(c->on_uplink_up, ON_UP_HOLD);
	assert_null(c->alert.webhook_headers);
	assert_string_equal(c->alert.webhook_format, "json");
	assert_null(c->export.router);
	assert_null(c->export.clickhouse);
	assert_null(c->export.ipfix);
	assert_int_equal(c->export.ipfix_pen, 0);
	assert_string_equal(c->export.state_file, "/var/lib/waymark-export/state");
}

static void check_uplink_defaults(const struct uplink_config *u)
{
	assert_int_equal(u->weight, 1);
	assert_int_equal(u->tier, 1);
	assert_int_equal(u->quota_bytes, 0);
	assert_int_equal(u->quota_day, 1);
	assert_int_equal(u->gateway.kind, GATEWAY_LEARN);
	assert_false(u->health.passive);
	assert_null(u->health.exec);
	assert_int_equal(u->health.interval_ms, 5000);
	assert_int_equal(u->health.down_after, 3);
	assert_int_equal(u->health.up_after, 5);
	assert_int_equal(u->health.on_failure, ON_FAILURE_ALERT);
}

static void test_defaults(void **state)
{
	struct config *c = config_new();

	(void)state;
	assert_non_null(c);
	check_defaults(c);
	config_free(c);
	c = load_good(A);
	check_defaults(c);
	assert_string_equal(c->path, file_path);
	check_uplink_defaults(&c->uplinks[0]);
	config_free(c);
	/* as an editor on Windows may write it */
	c = load_good("\xef\xbb\xbf"
		      "mode = \"steer\"\r\n\r\n# A\r\n" A);
	check_defaults(c);
	config_free(c);
	config_free(NULL);
}

/* Return the defaults of one section's keys, as lines of a file. */
static const char *defaults_of(const char *section, char text[2048])
{
	text[0] = '\0';
	for (const struct config_key *key = config_keys; key->name; key++)
		if (strcmp(key->section, section) == 0 && key->initial)
			sprintf(text + strlen(text), "%s = \"%s\"\n", key->name, key->initial);
	return text;
}

/* The table's defaults are the parser's, and every key of the table can be set. */
static void test_table(void **state)
{
	static const char *const singles[] = {"alert", "prometheus", "export"};
	char text[8192], part[2048];
	struct config *c;
	int n = sprintf(text, "%s", defaults_of("", part));

	(void)state;
	for (size_t i = 0; i < COUNT(singles); i++)
		n += sprintf(text + n, "%s {\n%s}\n", singles[i], defaults_of(singles[i], part));
	n += sprintf(text + n, "uplink a {\ninterface = a0 mark = 1 table = 101\n%s",
		     defaults_of("uplink", part));
	sprintf(text + n, "health {\n%s}\n}\n", defaults_of("health", part));
	c = load_good(text);
	check_defaults(c);
	check_uplink_defaults(&c->uplinks[0]);
	config_free(c);
}

/* A build without HTTP refuses that key. */
#ifdef HAVE_CURL
#define WEBHOOK " webhook = \"HTTPS://u:p@[::1]:8443/x?y=z#q\""
#else
#define WEBHOOK ""
#endif

static void test_every_key(void **state)
{
	struct config *c = load_good(
		"mode = 'audit' database = /d control-socket = \"/s\"\n"
		"mark-mask = 0xFF00 label-base = 0 nflog-group = 65535\n"
		"rule-priority = 1 local-routes = copy balance = no sysctl = off repair = no\n"
		"events = minimal event-buffer = \"64 KiB\" max-flows = 1000 retention = off "
		"max-size = 0 anonymize = \"/16,/32\" on-stop = remove\n"
		"on-uplink-down = flush on-mismatch = delete-flow\n"
		"alert { exec = /e json = /j syslog = false min-interval = \"1h 30min\"" WEBHOOK
		" webhook-timeout = 5min }"
		" prometheus { listen = \"[2001:db8::1]:65535\" textfile = /t.prom }\n"
		"uplink \"x-1.y_2\" { interface = \"wlp0s20f3.1234\" mark = 0x300\n"
		"gateway = none gateway6 = 'fe80::1' weight = 256 }\n"
		"uplink y {\n interface = 'a$[]%' mark = 0x3c00\n"
		"table = 4294967295 gateway = 10.0.0.1 gateway6 = \"none\"\n}\n");
	char text[ADDR_STRLEN];

	(void)state;
	assert_int_equal(c->mode, MODE_AUDIT);
	assert_string_equal(c->database, "/d");
	assert_string_equal(c->control_socket, "/s");
	assert_int_equal(c->mark_mask, 0xff00);
	assert_int_equal(c->label_base, 0);
	assert_int_equal(c->nflog_group, 65535);
	assert_int_equal(c->rule_priority, 1);
	assert_int_equal(c->local_routes, LOCAL_COPY);
	assert_false(c->balance);
	assert_false(c->sysctl);
	assert_false(c->repair);
	assert_int_equal(c->events, EVENTS_MINIMAL);
	assert_int_equal(c->event_buffer_bytes, 65536);
	assert_int_equal(c->max_flows, 1000);
	assert_int_equal(c->retention_s, 0);
	assert_int_equal(c->max_size_bytes, 0);
	assert_true(c->anonymize.is_on);
	assert_int_equal(c->anonymize.ipv4_bits, 16);
	assert_int_equal(c->anonymize.ipv6_bits, 32);
	assert_int_equal(c->on_stop, ON_STOP_REMOVE);
	assert_int_equal(c->on_uplink_down, ON_DOWN_FLUSH);
	assert_int_equal(c->on_mismatch, ON_MISMATCH_DELETE);
	assert_string_equal(c->alert.exec, "/e");
	assert_string_equal(c->alert.json, "/j");
	assert_false(c->alert.syslog);
	assert_int_equal(c->alert.min_interval_s, 5400);
#ifdef HAVE_CURL
	assert_string_equal(c->alert.webhook, "HTTPS://u:p@[::1]:8443/x?y=z#q");
#endif
	assert_int_equal(c->alert.webhook_timeout_s, 300);
	assert_string_equal(addr_format(&c->prometheus.addr, text), "2001:db8::1");
	assert_int_equal(c->prometheus.port, 65535);
	assert_string_equal(c->prometheus.textfile, "/t.prom");
	assert_int_equal(c->n_uplinks, 2);
	assert_string_equal(c->uplinks[0].name, "x-1.y_2");
	assert_string_equal(c->uplinks[0].ifname, "wlp0s20f3.1234");
	assert_int_equal(c->uplinks[0].mark, 0x300);
	assert_int_equal(c->uplinks[0].table, 0);
	assert_int_equal(c->uplinks[0].gateway.kind, GATEWAY_NONE);
	assert_int_equal(c->uplinks[0].gateway6.kind, GATEWAY_ADDR);
	assert_int_equal(c->uplinks[0].weight, 256);
	assert_int_equal(c->uplinks[0].slot, 3);
	assert_int_equal(c->uplinks[0].line, 7);
	assert_string_equal(c->uplinks[1].ifname, "a$[]%");
	assert_int_equal(c->uplinks[1].table, UINT32_MAX);
	assert_int_equal(c->uplinks[1].gateway.kind, GATEWAY_ADDR);
	assert_int_equal(c->uplinks[1].gateway6.kind, GATEWAY_NONE);
	assert_int_equal(c->uplinks[1].slot, 0x3c % UPLINKS_MAX);
	config_free(c);
}

static void anonymize_check(const char *keys, bool is_on, const char *idle)
{
	char text[256];
	struct config *c;

	snprintf(text, sizeof(text),
		 "%s\nuplink a { interface = 'eth1' mark = 2 table = 5 }\n"
		 "uplink b { interface = 'eth2' mark = 3 table = 6 }\n",
		 keys);
	c = load_good(text);
	assert_int_equal(c->anonymize.is_on, is_on);
	if (idle)
		assert_string_equal(config_anonymize_is_idle(c), idle);
	else
		assert_null(config_anonymize_is_idle(c));
	config_free(c);
}

static void test_anonymize(void **state)
{
	struct config *c = load_good("anonymize = /24\n"
				     "uplink a { interface = 'eth1' mark = 2 table = 5 }\n"
				     "uplink b { interface = 'eth2' mark = 3 table = 6 }\n");

	(void)state;
	assert_int_equal(c->anonymize.ipv4_bits, 24);
	assert_int_equal(c->anonymize.ipv6_bits, 48);
	config_free(c);
	anonymize_check("", false, NULL);
	anonymize_check("anonymize = off retention = 1d", false, NULL);
	anonymize_check("anonymize = /0", true, NULL);
	anonymize_check("anonymize = \"/32,/64\" retention = off", true, NULL);
	anonymize_check("anonymize = \"/32,/128\"", true,
			"its prefix lengths keep whole addresses");
	anonymize_check("anonymize = /24 retention = 1d", true,
			"retention deletes flows before they are a day old");
}

/* A copy of a copy is equal and owns its pointers; without memory there is none. */
static void test_clone(void **state)
{
	static _Alignas(16) char memory[65536];
	struct config *c = load_good(
		"database = /d retention = 2d alert { exec = /e json = /j }\n"
		"export { clickhouse = {\"http://a/\", \"http://b/\"} router = r }\n"
		"uplink a { interface = 'eth1' mark = 2 table = 5 health { exec = /check } }\n"
		"uplink b { interface = 'eth2' mark = 3 table = 6 }\n");
	struct config *shared = (struct config *)memory, *copy;

	(void)state;
	assert_int_equal(config_clone_to(memory, sizeof(memory), c), 0);
	assert_int_equal(config_clone_to(memory + 32768, 1024, c), -ENOMEM);
	copy = config_clone(shared);
	assert_non_null(copy);
	assert_string_equal(copy->path, c->path);
	config_free(c);
	memset(memory, 0xee, sizeof(memory));
	assert_string_equal(copy->database, "/d");
	assert_int_equal(copy->retention_s, 2 * 86400);
	assert_string_equal(copy->alert.exec, "/e");
	assert_string_equal(copy->alert.json, "/j");
	assert_null(copy->alert.webhook);
	assert_string_equal(copy->export.clickhouse[0], "http://a/");
	assert_string_equal(copy->export.clickhouse[1], "http://b/");
	assert_null(copy->export.clickhouse[2]);
	assert_int_equal(copy->n_uplinks, 2);
	assert_string_equal(copy->uplinks[0].health.exec, "/check");
	assert_null(copy->uplinks[1].health.exec);
	assert_string_equal(copy->uplinks[1].ifname, "eth2");
	config_free(copy);
}

/* Tiers, quota, health, return, export, headers: the keys of failover and shipping. */
static void test_health_keys(void **state)
{
	struct config *c = load_good(
		"user = root group = adm log-level = debug balance = main balance-table = 7\n"
		"protect-table = true on-uplink-up = return\n"
		"alert { " WEBHOOK " webhook-format = \"/t.tmpl\"\n"
		"webhook-header = {\"Authorization: Bearer a b\",\n \"X-Y: 1\"} }\n"
		"export { router = gw1 clickhouse = \"http://a:8123/w\" ipfix = \"[::1]:4739\"\n"
		"ipfix-pen = 29305 state-file = /s file = /f clickhouse-credentials = /c }\n"
		"uplink l { health { exec = /p passive = yes\n interval = 1min down-after = 1\n"
		"up-after = 9 on-failure = drain }\n interface = l0 mark = 1 table = 252\n"
		"tier = 2 weight = 0 quota = \"50 GiB\" quota-day = 28 }\n" B);
	const struct uplink_config *u = &c->uplinks[0];

	(void)state;
	assert_string_equal(c->user, "root");
	assert_string_equal(c->group, "adm");
	assert_int_equal(c->log_level, CONFIG_LOG_DEBUG);
	assert_int_equal(c->balance, BALANCE_MAIN);
	assert_int_equal(c->balance_table, 7);
	assert_true(c->protect_table);
	assert_int_equal(c->on_uplink_up, ON_UP_RETURN);
	assert_string_equal(c->alert.webhook_format, "/t.tmpl");
	assert_string_equal(c->alert.webhook_headers[0], "Authorization: Bearer a b");
	assert_string_equal(c->alert.webhook_headers[1], "X-Y: 1");
	assert_null(c->alert.webhook_headers[2]);
	assert_string_equal(c->export.router, "gw1");
	assert_string_equal(c->export.clickhouse[0], "http://a:8123/w");
	assert_null(c->export.clickhouse[1]);
	assert_string_equal(c->export.clickhouse_credentials, "/c");
	assert_string_equal(c->export.ipfix, "[::1]:4739");
	assert_int_equal(c->export.ipfix_pen, 29305);
	assert_string_equal(c->export.file, "/f");
	assert_string_equal(c->export.state_file, "/s");
	assert_string_equal(u->name, "l");
	assert_int_equal(u->line, 8);
	assert_int_equal(u->tier, 2);
	assert_int_equal(u->weight, 0);
	assert_int_equal(u->quota_bytes, 50ULL << 30);
	assert_int_equal(u->quota_day, 28);
	assert_true(u->health.passive);
	assert_string_equal(u->health.exec, "/p");
	assert_int_equal(u->health.interval_ms, 60000);
	assert_int_equal(u->health.down_after, 1);
	assert_int_equal(u->health.up_after, 9);
	assert_int_equal(u->health.on_failure, ON_FAILURE_DRAIN);
	check_uplink_defaults(&c->uplinks[1]);
	assert_int_equal(c->uplinks[1].line, 13);
	config_free(c);
}

/* Without the key, the balanced route's table is one that no uplink has. */
static void test_balance_table(void **state)
{
	struct config *c = load_good("uplink a { interface = a0 mark = 1 table = 252 }\n"
				     "uplink b { interface = b0 mark = 2 table = 251 }\n");

	(void)state;
	assert_int_equal(c->balance_table, 250);
	config_free(c);
}

static void test_lookups(void **state)
{
	struct config *c = load_good(A B);

	(void)state;
	assert_ptr_equal(config_uplink_by_mark(c, 2), &c->uplinks[1]);
	assert_null(config_uplink_by_mark(c, 3));
	assert_ptr_equal(config_uplink_by_slot(c, 1), &c->uplinks[0]);
	assert_null(config_uplink_by_slot(c, 0));
	assert_ptr_equal(config_uplink_by_name(c, "b"), &c->uplinks[1]);
	assert_null(config_uplink_by_name(c, "a0"));
	assert_ptr_equal(config_uplink_by_ifname(c, "a0"), &c->uplinks[0]);
	assert_null(config_uplink_by_ifname(c, "a"));
	config_free(c);
}

/* Make n uplinks with the marks that fn returns. */
static struct config *config_with(size_t n, uint32_t mask, uint32_t (*mark)(size_t i))
{
	struct config *c = config_new();

	c->mark_mask = mask;
	c->n_uplinks = n;
	c->uplinks = calloc(n, sizeof(*c->uplinks));
	for (size_t i = 0; i < n; i++) {
		struct uplink_config *u = &c->uplinks[i];

		snprintf(u->name, sizeof(u->name), "u%u", (unsigned)i);
		snprintf(u->ifname, sizeof(u->ifname), "i%u", (unsigned)i);
		u->mark = mark(i);
		u->table = (uint32_t)(1000 + i);
		u->weight = 1;
		u->line = (int)i + 1;
	}
	return c;
}

static uint32_t mark_ascending(size_t i)
{
	return (uint32_t)i + 1;
}

static uint32_t mark_colliding(size_t i)
{
	return (uint32_t)(240 - 60 * i); /* all of them 0 modulo 60 */
}

static uint32_t mark_split(size_t i)
{
	return (uint32_t)((i & 1) << 4 | (i & 2) << 10); /* under 0x810 */
}

static void test_slots(void **state)
{
	struct config *c = config_with(60, 0xff, mark_ascending);
	uint64_t seen = 0;

	(void)state;
	config_assign_slots(c);
	for (size_t i = 0; i < 60; i++) {
		assert_true(c->uplinks[i].slot < UPLINKS_MAX);
		seen |= 1ULL << c->uplinks[i].slot;
	}
	assert_true(seen == (1ULL << 60) - 1);
	assert_int_equal(c->uplinks[4].slot, 5);
	assert_int_equal(c->uplinks[59].slot, 0);
	config_free(c);

	c = config_with(4, 0xff, mark_colliding);
	config_assign_slots(c);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(c->uplinks[i].slot, 3 - i);
	config_free(c);

	c = config_with(4, 0x810, mark_split);
	config_assign_slots(c);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(c->uplinks[i].slot, i);
	config_free(c);
}

/* Marks 4 and 64 prefer the same slot: when one is removed, the other keeps its slot, and a new
 * uplink takes no slot that was in use. */
static void test_slots_are_kept(void **state)
{
	struct config *c = config_new(), *former = config_new();
	struct uplink_config before[] = {{.mark = 4}, {.mark = 64}, {.mark = 7}};
	struct uplink_config after[] = {{.mark = 5}, {.mark = 64}, {.mark = 7}};

	(void)state;
	c->mark_mask = former->mark_mask = 0xff;
	former->uplinks = before;
	former->n_uplinks = c->n_uplinks = 3;
	c->uplinks = after;
	config_assign_slots(former);
	assert_int_equal(before[0].slot, 4);
	assert_int_equal(before[1].slot, 5);
	config_assign_slots(c);
	assert_int_equal(after[1].slot, 4);
	config_keep_slots(c, former);
	assert_int_equal(after[1].slot, 5);
	assert_int_equal(after[2].slot, 7);
	assert_int_equal(after[0].slot, 6);
	c->uplinks = former->uplinks = NULL;
	config_free(c);
	config_free(former);
}

/* Neither the order in the file nor other uplinks change a slot. */
static void test_slots_stay(void **state)
{
	struct config *c = load_good(B A),
		      *d = load_good("label-base = 64\n" A B
				     "uplink c { interface = c0 mark = 9 table = 9 }");

	(void)state;
	for (size_t i = 0; i < c->n_uplinks; i++)
		assert_int_equal(config_uplink_by_name(d, c->uplinks[i].name)->slot,
				 c->uplinks[i].slot);
	config_free(c);
	config_free(d);
}

static unsigned validated(const struct config *c)
{
	size_t size;
	FILE *errors;
	unsigned n;

	free(messages);
	messages = NULL;
	errors = open_memstream(&messages, &size);
	n = config_validate(c, errors);
	fclose(errors);
	assert_int_equal(n, lines_of(messages));
	return n;
}

static void test_many_uplinks(void **state)
{
	struct config *c = config_with(60, 0xff, mark_ascending);

	(void)state;
	assert_int_equal(validated(c), 0);
	config_free(c);
	c = config_with(61, 0xff, mark_ascending);
	assert_int_equal(validated(c), 1);
	assert_non_null(strstr(messages, ":61: uplink 'u60' is one too many"));
	config_free(c);
	c = config_with(200, 0xff, mark_ascending);
	c->uplinks[150].mark = 1;
	assert_int_equal(validated(c), 2);
	config_free(c);
}

static void test_units(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* or -errno */
	} durations[] = {
		{"0", 0},
		{"90 days", 7776000},
		{"60s", 60},
		{"2h", 7200},
		{" 5 min ", 300},
		{"1h 30min", 5400},
		{"1h30m", 5400},
		{"3 weeks", 1814400},
		{"1 month", 2629800},
		{"2 years", 63115200},
		{"77", -EINVAL},
		{"30 ", -EINVAL},
		{"1d 1", -EINVAL},
		{"", -EINVAL},
		{"s", -EINVAL},
		{"1 2", -EINVAL},
		{"5 fortnights", -EINVAL},
		{"-5s", -EINVAL},
		{"1.5h", -EINVAL},
		{"5 s x", -EINVAL},
		{"1 abcdefghijklmnopqrstuvwxyz", -EINVAL},
		{"99999999999999999999", -ERANGE},
		{"999999999999999999 years", -ERANGE},
	};
	static const struct {
		const char *text;
		int64_t bytes;
	} sizes[] = {
		{"0", 0},
		{"1024", 1024},
		{"2 GiB", 2147483648},
		{"500 MB", 500000000},
		{"1K", 1024},
		{"1 kB", 1000},
		{"3M", 3145728},
		{"1 TiB", 1099511627776},
		{"7 B", 7},
		{"1 gib", -EINVAL},
		{"GiB", -EINVAL},
		{"9999999999 TiB", -ERANGE},
		{"9223372036854775808", -ERANGE},
	};
	uint64_t value;
	int err;

	(void)state;
	for (size_t i = 0; i < COUNT(durations); i++) {
		err = duration_parse(&value, durations[i].text);
		assert_int_equal(err < 0 ? err : (int64_t)value, durations[i].seconds);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		err = size_parse(&value, sizes[i].text);
		assert_int_equal(err < 0 ? err : (int64_t)value, sizes[i].bytes);
	}
}

static const char *example_path(void)
{
	static char path[PATH_MAX];
	const char *dir = getenv("WAYMARK_BUILD");

	snprintf(path, sizeof(path), "%s/doc/waymark.conf.example", dir ? dir : ".");
	return path;
}

static char *example_text(size_t *length)
{
	FILE *file = fopen(example_path(), "r");
	char *text = malloc(65536);

	assert_non_null(file);
	*length = fread(text, 1, 65535, file);
	text[*length] = '\0';
	fclose(file);
	return text;
}

static void test_example(void **state)
{
	struct config *c;
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(load_path(&c, example_path()), 0);
	check_defaults(c);
	assert_int_equal(c->n_uplinks, 2);
	assert_string_equal(c->uplinks[1].name, "wan2");
	assert_string_equal(c->uplinks[1].ifname, "wan2");
	assert_int_equal(c->uplinks[1].mark, 3);
	assert_int_equal(c->uplinks[1].table, 250);
	assert_int_equal(c->uplinks[1].weight, 2);
	assert_int_equal(c->uplinks[1].gateway.kind, GATEWAY_ADDR);
	config_free(c);
	text = example_text(&length);
	for (const struct config_key *key = config_keys; key->name; key++)
		if (!strstr(text, key->name))
			fail_msg("the example lacks %s", key->name);
	free(text);
}

/* Any file is accepted, or refused with messages of one form. */
/* A printed command has the file, quoted for a shell, unless it is the default. */
static void test_command(void **state)
{
	struct config *c = config_new();
	char got[CONFIG_COMMAND_SIZE];

	(void)state;
	assert_string_equal(config_command(c, got, sizeof(got), "apply"), "waymark apply");
	c->path = strdup(CONFIG_PATH_DEFAULT);
	assert_string_equal(config_command(c, got, sizeof(got), "apply"), "waymark apply");
	free(c->path);
	c->path = strdup("/var/my etc/w.conf");
	assert_string_equal(config_command(c, got, sizeof(got), "check"),
			    "waymark -c '/var/my etc/w.conf' check");
	config_free(c);
}

static void check_survives(const char *text, size_t length)
{
	size_t place = strlen(file_path);
	struct config *c;
	int err = load_bytes(&c, text, length);

	assert_true(err == 0 || err == -EINVAL);
	for (const char *line = messages; *line; line = strchr(line, '\n') + 1) {
		assert_memory_equal(line, file_path, place);
		assert_int_equal(line[place], ':');
		assert_true(atoi(line + place + 1) > 0);
	}
	config_free(c);
}

static void test_truncated(void **state)
{
	size_t length;
	char *text = example_text(&length);

	(void)state;
	for (size_t i = 0; i < length; i++)
		check_survives(text, i);
	free(text);
}

static void test_mutated(void **state)
{
	static const char bytes[] = "{}=\"'#*/\n \\$+,0a\0\xff";
	const char *seed_text = getenv("WAYMARK_SEED");
	unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 10) : (unsigned)time(NULL);
	size_t length;
	char *text = example_text(&length), *copy = malloc(length);

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int n = 0; n < 3000; n++) {
		memcpy(copy, text, length);
		for (long k = random() % 4; k >= 0; k--)
			copy[(size_t)random() % length] =
				bytes[(size_t)random() % (sizeof(bytes) - 1)];
		check_survives(copy, length);
	}
	free(copy);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_clone),
		cmocka_unit_test(test_anonymize),
		cmocka_unit_test(test_health_keys),
		cmocka_unit_test(test_balance_table),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_slots_stay),
		cmocka_unit_test(test_slots_are_kept),
		cmocka_unit_test(test_many_uplinks),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests(tests, file_setup, file_teardown);
}
