/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syslog.c - sends alerts to the system's log.
 *
 * syslog(3) blocks if the log daemon stops reading. Therefore this file sends a datagram of the
 * same format itself, without blocking.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "alert/datagram.h"
#include "waymark/alert/sink.h"
#include "alert/syslog.h"

int syslog_priority(const struct alert *alert)
{
	const char *severity = alert_severity_name(alert);

	if (*severity == 'c')
		return LOG_DAEMON | LOG_CRIT;
	return LOG_DAEMON | (*severity == 'w' ? LOG_WARNING : LOG_NOTICE);
}

/* Write a time as "Nov 22 13:00:00" (RFC 3164, 4.1.2), in local time and English. */
static void stamp_format(int64_t time_ms, char *buf, size_t size)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)(time_ms / 1000);
	struct tm tm;

	if (!localtime_r(&t, &tm))
		memset(&tm, 0, sizeof(tm));
	snprintf(buf, size, "%.3s %2d %02d:%02d:%02d", months + 3 * tm.tm_mon, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char *syslog_text(const struct alert *alert, char text[SYSLOG_TEXT_SIZE])
{
	char times[64] = "";

	if (alert->count > 1 && alert->state != ALERT_OVER)
		snprintf(times, sizeof(times), " (%" PRIu64 " times; this is the newest one)",
			 alert->count);
	snprintf(text, SYSLOG_TEXT_SIZE, "%s: %s%s", alert_kind_name(alert->kind), alert->text,
		 times);
	return text;
}

void syslog_write(const char *socket_path, const struct alert *alert, struct sink_status *s)
{
	char message[SYSLOG_TEXT_SIZE + 80], text[SYSLOG_TEXT_SIZE], stamp[32];
	int n, err;

	stamp_format(alert->time_ms, stamp, sizeof(stamp));
	n = snprintf(message, sizeof(message), "<%d>%s waymarkd[%d]: %s", syslog_priority(alert),
		     stamp, (int)getpid(), syslog_text(alert, text));
	err = datagram_send(socket_path, message, (size_t)n);
	if (err < 0)
		sink_fail(s, "alert syslog '%s': %s", socket_path, strerror(-err));
}

static const char *system_log_target(const struct alert_config *c)
{
	return c->syslog ? "the system's log" : NULL;
}

/* Send to the journal if it runs, else to the syslog socket. Never send to both: a running journal
 * also reads the syslog socket and would log the alert twice. */
static void system_log_send(void *self, const struct alert_config *c, const struct sink_message *m,
			    struct sink_status *s)
{
	(void)self;
	(void)c;
	if (journal_is_there(JOURNAL_PATH))
		journal_write(JOURNAL_PATH, m->alert, m->facts, s);
	else
		syslog_write(SYSLOG_PATH, m->alert, s);
}

const struct sink system_log_sink = {
	.name = "syslog", .target = system_log_target, .send = system_log_send};
