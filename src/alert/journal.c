/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.c - sends alerts to systemd's journal with each fact as a field, so that `journalctl
 * WAYMARK_KIND=mismatch WAYMARK_EXPECTED=wan1` finds them.
 *
 * The format is that of systemd.io/JOURNAL_NATIVE_PROTOCOL: one line NAME=value per field. A value
 * that contains a newline is written as NAME, a newline, its length as a 64-bit little-endian
 * integer, the value and a newline.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert/datagram.h"
#include "alert/syslog.h"

bool journal_is_there(const char *socket_path)
{
	return access(socket_path, W_OK) == 0;
}

static void length_put(FILE *out, uint64_t length)
{
	for (int i = 0; i < 8; i++)
		putc((int)(length >> 8 * i & 0xff), out);
}

/* Write one field. `variable` has the form "NAME=value". */
static void field_put(FILE *out, const char *variable)
{
	const char *value = strchr(variable, '=') + 1;

	if (!strchr(value, '\n')) {
		fprintf(out, "%s\n", variable);
		return;
	}
	fprintf(out, "%.*s\n", (int)(value - variable) - 1, variable);
	length_put(out, strlen(value));
	fprintf(out, "%s\n", value);
}

static void fields_put(FILE *out, const struct alert *alert, char *const *variables)
{
	char message[SYSLOG_TEXT_SIZE], variable[SYSLOG_TEXT_SIZE + 16];

	snprintf(variable, sizeof(variable), "MESSAGE=%s", syslog_text(alert, message));
	field_put(out, variable);
	fprintf(out, "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=waymarkd\n",
		syslog_priority(alert) & 7, syslog_priority(alert) >> 3);
	for (; *variables; variables++) {
		const char *value = strchr(*variables, '=') + 1;

		if (*value && !strncmp(*variables, FACTS_PREFIX, strlen(FACTS_PREFIX)))
			field_put(out, *variables);
	}
}

void journal_write(const char *socket_path, const struct alert *alert, const struct facts *facts,
		   struct sink_status *s)
{
	char **variables = facts_environment(facts), *text = NULL;
	size_t bytes = 0;
	FILE *out = variables ? open_memstream(&text, &bytes) : NULL;
	int err = -ENOMEM;

	if (out) {
		fields_put(out, alert, variables);
		if (!fclose(out))
			err = datagram_send(socket_path, text, bytes);
	}
	if (err)
		sink_fail(s, "alert journal '%s': %s", socket_path, strerror(-err));
	free(text);
	facts_environment_free(variables);
}
