/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - writes one line per message. Lines of different threads do not mix.
 *
 * If standard error cannot take a line at once, the line is dropped and counted. A full pipe
 * therefore does not stop the exporter.
 */
#include "export/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long dropped; /* guarded by lock */

/* Return whether a line can be written without blocking. If poll() reports a pipe as writable, it
 * takes PIPE_BUF bytes, and no line is longer. */
static bool is_writable(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) != 0;
}

static void line_write(int priority, const char *text)
{
	if (!is_writable())
		dropped++;
	else if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", priority, text);
	else
		fprintf(stderr, "waymark-export: %s\n", text);
}

static void drops_report(void)
{
	char text[96];

	if (!dropped || !is_writable())
		return;
	snprintf(text, sizeof(text), "%lu log lines were dropped: standard error was not read",
		 dropped);
	dropped = 0;
	line_write(LOG_WARNING, text);
}

void export_log(int priority, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	drops_report();
	line_write(priority, text);
	pthread_mutex_unlock(&lock);
}
