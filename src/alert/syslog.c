/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syslog.c - alerts to the system's log.
 *
 * Not by syslog(3), which waits for as long as the log's daemon does not read:
 * one datagram in the form that it sends, without waiting.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "alert/sinks.h"

static int priority_of(const struct alert *alert)
{
	const char *severity = alert_severity_name(alert);

	if (*severity == 'c')
		return LOG_DAEMON | LOG_CRIT;
	return LOG_DAEMON | (*severity == 'w' ? LOG_WARNING : LOG_NOTICE);
}

/* "Nov 22 13:00:00": RFC 3164, 4.1.2, in local time and English. */
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

static size_t message_format(const struct alert *alert, char *buf, size_t size)
{
	char stamp[32], times[48] = "";
	int n;

	stamp_format(alert->time_ms, stamp, sizeof(stamp));
	if (alert->count > 1 && !alert->is_over)
		snprintf(times, sizeof(times), " (%" PRIu64 " times, this is the last)",
			 alert->count);
	n = snprintf(buf, size, "<%d>%s waymarkd[%d]: %s: %s%s", priority_of(alert), stamp,
		     (int)getpid(), alert_kind_name(alert->kind), alert->text, times);
	return (size_t)n < size ? (size_t)n : size - 1;
}

static int message_send(const char *socket_path, const char *message, size_t length)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, err = 0;

	if (strlen(socket_path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, socket_path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, message, length, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	close(fd);
	return err;
}

void syslog_write(const char *socket_path, const struct alert *alert, struct sink_status *s)
{
	char message[512];
	size_t length = message_format(alert, message, sizeof(message));
	int err = message_send(socket_path, message, length);

	if (err < 0)
		sink_fail(s, "alert syslog '%s': %s", socket_path, strerror(-err));
}
