/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alert_lab.c - a folder with programs, and an example alert, for the tests of alerts.
 */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
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

#include "alert_lab.h"

char folder[] = "/tmp/waymark-test-alert-XXXXXX";

const char *path_in(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

int folder_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(folder) ? 0 : -1;
}

static void folder_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR) {
			folder_empty(name);
			rmdir(name);
		} else {
			unlink(name);
		}
	}
	if (dir)
		closedir(dir);
}

int folder_clear(void **state)
{
	(void)state;
	folder_empty(folder);
	return 0;
}

int folder_teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

void program_write(const char *name, const char *body)
{
	FILE *file = fopen(path_in(name), "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\ncd '%s' || exit 9\n%s\n", folder, body);
	fclose(file);
	assert_int_equal(chmod(path_in(name), 0755), 0);
}

char *file_text(const char *name)
{
	static char text[262144];
	FILE *file = fopen(path_in(name), "r");
	size_t n;

	if (!file)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; text && *text; text++)
		n += *text == '\n';
	return n;
}

void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

void children_wait(struct alerter *a, int64_t now_ms)
{
	struct alerter_stats s;

	for (int i = 0; i < PATIENCE; i++) {
		alerter_tick(a, now_ms);
		alerter_stats(a, &s);
		if (s.children == 0)
			return;
		nap();
	}
	fail_msg("%u programs still run", s.children);
}

struct alert mismatch(void)
{
	struct alert a = {
		.kind = ALERT_MISMATCH,
		.time_ms = T0,
		.expected = "wan1",
		.egress = "eth2",
		.egress_uplink = "wan2",
		.reason = "rule-missing",
		.evidence = "packet",
		.flow_id = 77,
		.mismatch_id = 5,
		.proto = 6,
		.tuple = {.sport = 40000, .dport = 443},
		.direction = DIR_REPLY,
		.mark = 2,
		.text = "flow 77 left by \"wan2\"; $(touch evil) `touch evil`",
	};

	addr_parse(&a.tuple.src, "192.168.0.2");
	addr_parse(&a.tuple.dst, "203.0.113.9");
	return a;
}

struct alerter *alerter_with(const char *exec, const char *json, uint32_t interval_s)
{
	struct alert_config c = {
		.exec = exec ? strdup(exec) : NULL,
		.json = json ? strdup(json) : NULL,
		.min_interval_s = interval_s,
	};
	struct alerter *a = alerter_new(&c);

	assert_non_null(a);
	free(c.exec);
	free(c.json);
	return a;
}

struct alerter_stats stats_of(const struct alerter *a)
{
	struct alerter_stats s;

	alerter_stats(a, &s);
	return s;
}

void assert_text(const json_t *object, const char *key, const char *expected)
{
	const json_t *value = json_object_get(object, key);

	assert_non_null(value);
	if (expected)
		assert_string_equal(json_string_value(value), expected);
	else
		assert_true(json_is_null(value));
}

void assert_integer(const json_t *object, const char *key, json_int_t expected)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	assert_int_equal(json_integer_value(json_object_get(object, key)), expected);
}
