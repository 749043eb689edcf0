/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - lines on standard error.
 */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool is_journal;

struct log_capture {
	FILE *file;
	char *text;
	size_t size;
};

/* systemd.exec(5): JOURNAL_STREAM is set where standard error goes to the
 * journal, which reads the "<N>" of sd-daemon(3). */
void log_open(void)
{
	is_journal = getenv("JOURNAL_STREAM") != NULL;
	setvbuf(stderr, NULL, _IOLBF, 0);
}

static void put_prefix(enum log_level level)
{
	static const char *const word[] = {"", "", "", "error: ", "warning: ", "", ""};
	char stamp[32];
	struct timespec now;
	struct tm tm;

	if (is_journal) {
		fprintf(stderr, "<%d>", level);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ldZ waymarkd: %s", stamp, now.tv_nsec / 1000000, word[level]);
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	flockfile(stderr);
	put_prefix(level);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

struct log_capture *log_capture(void)
{
	struct log_capture *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->file = open_memstream(&c->text, &c->size);
	if (c->file)
		return c;
	free(c);
	return NULL;
}

/* Without memory the message goes out unadorned. */
FILE *log_capture_file(struct log_capture *c)
{
	return c ? c->file : stderr;
}

void log_release(struct log_capture *c, enum log_level level)
{
	char *rest, *line;

	if (!c)
		return;
	fclose(c->file);
	rest = c->text;
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			log_line(level, "%s", line);
	}
	free(c->text);
	free(c);
}
