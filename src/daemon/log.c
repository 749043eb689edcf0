/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - writes log lines to standard error.
 *
 * The caller formats a line and compares it with the previous line. If many lines in a row are
 * equal, most are only counted. The caller queues the line, and a thread writes it. If the thread
 * does not run (before log_start(), after log_stop(), in a forked child), the caller writes the
 * line.
 */
#include "daemon/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "waymark/base/bytes.h"
#include "waymark/base/clock.h"
#include "waymark/base/thread.h"

#define LINE_BYTES   1024
#define QUEUE_LINES  512
#define STOP_WAIT_MS 1000
/* Of equal lines that follow each other within FLOOD_MS, only the first FLOOD_LINES are written.
 * The rest are counted, and the count is written after REPEAT_MS or before the next other line. A
 * few equal lines, such as those of two reloads, are all written. */
#define FLOOD_LINES 3
#define FLOOD_MS    250
#define REPEAT_MS   10000

static bool is_journal, is_level_forced;
static enum log_level level_most = LOG_LEVEL_INFO;

/* The lock protects all fields. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	char line[QUEUE_LINES][LINE_BYTES];
	unsigned first, n;
	bool is_running, is_stopping;
	pid_t pid; /* process that the thread belongs to */
	uint64_t dropped, dropped_reported;

	char last[LINE_BYTES]; /* the last line that was written, without its prefix */
	enum log_level last_level;
	unsigned equal;	  /* how many times in a row `last` was written, at most FLOOD_MS apart */
	uint64_t repeats; /* how many further equal lines were only counted */
	int64_t repeats_since_ms;
	int64_t last_ms; /* time of the latest line, even if it was only counted */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

struct log_capture {
	FILE *file;
	char *text;
	size_t size;
};

/* Find out whether standard error goes to the journal. In this case systemd sets JOURNAL_STREAM
 * (systemd.exec(5)). The journal reads a prefix "<N>" as the line's priority (sd-daemon(3)). */
void log_open(void)
{
	is_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_level(enum log_level level)
{
	if (!is_level_forced)
		level_most = level;
}

void log_force_level(enum log_level level)
{
	level_most = level;
	is_level_forced = true;
}

/* --- writing ---------------------------------------------------------------------- */

static void line_write(const char *line)
{
	bytes_write(STDERR_FILENO, line, strlen(line));
}

static void drops_report(uint64_t drops)
{
	char line[96];

	if (!drops)
		return;
	snprintf(line, sizeof(line),
		 "%swaymarkd: %" PRIu64 " log lines were dropped: standard error was not read\n",
		 is_journal ? "<4>" : "", drops);
	line_write(line);
}

/* Write queued lines. A write can block for ever, so the lock is released during a write. */
static void *thread_run(void *unused)
{
	char line[LINE_BYTES];
	uint64_t drops;

	(void)unused;
	pthread_mutex_lock(&queue.lock);
	for (;;) {
		while (!queue.n && !queue.is_stopping)
			pthread_cond_wait(&queue.change, &queue.lock);
		if (!queue.n)
			break;
		memcpy(line, queue.line[queue.first], sizeof(line));
		queue.first = (queue.first + 1) % QUEUE_LINES;
		queue.n--;
		drops = queue.dropped - queue.dropped_reported;
		queue.dropped_reported = queue.dropped;
		pthread_mutex_unlock(&queue.lock);
		line_write(line);
		drops_report(drops);
		pthread_mutex_lock(&queue.lock);
	}
	queue.is_running = false;
	pthread_cond_broadcast(&queue.change);
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

int log_start(void)
{
	int err;

	queue.is_stopping = false;
	queue.is_running = true;
	queue.pid = getpid();
	err = thread_start(NULL, thread_run, NULL);
	if (err)
		queue.is_running = false;
	return err;
}

/* --- queueing --------------------------------------------------------------------- */

static size_t prefix_format(char *buf, size_t size, enum log_level level)
{
	static const char *const word[] = {"", "", "", "error: ", "warning: ", "", "", "debug: "};
	char stamp[32];
	struct timespec now;
	struct tm tm;

	if (is_journal)
		return (size_t)snprintf(buf, size, "<%d>", level);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	return (size_t)snprintf(buf, size, "%s.%03ldZ waymarkd: %s", stamp, now.tv_nsec / 1000000,
				word[level]);
}

/* Queue a line, or write it if there is no thread. The caller holds the lock. The line ends with a
 * newline and has at most LINE_BYTES bytes, the final 0 included. */
static void line_queue(const char *line)
{
	if (!queue.is_running || queue.pid != getpid()) {
		line_write(line);
	} else if (queue.n == QUEUE_LINES) {
		queue.dropped++;
	} else {
		snprintf(queue.line[(queue.first + queue.n++) % QUEUE_LINES], LINE_BYTES, "%s",
			 line);
		pthread_cond_signal(&queue.change);
	}
}

static void line_put(enum log_level level, const char *text)
{
	char line[LINE_BYTES + 64];
	size_t used = prefix_format(line, sizeof(line), level);

	snprintf(line + used, LINE_BYTES - 1 - used, "%s", text);
	strcat(line, "\n");
	line_queue(line);
}

static void repeats_end(void)
{
	char text[64];

	if (!queue.repeats)
		return;
	snprintf(text, sizeof(text), "last message repeated %" PRIu64 " times", queue.repeats);
	queue.repeats = 0;
	line_put(queue.last_level, text);
}

/* Return whether the line must only be counted, because FLOOD_LINES equal lines were written just
 * before. Count it in this case. */
static bool is_repeated(enum log_level level, const char *text)
{
	int64_t now_ms = clock_steady_ms(), passed_ms = now_ms - queue.last_ms;

	queue.last_ms = now_ms;
	if (level != queue.last_level || strcmp(text, queue.last) != 0 || passed_ms > FLOOD_MS)
		queue.equal = 0;
	if (queue.equal < FLOOD_LINES) {
		queue.equal++;
		return false;
	}
	if (!queue.repeats++)
		queue.repeats_since_ms = clock_steady_ms();
	return true;
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;

	if (level > level_most)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&queue.lock);
	if (!is_repeated(level, text)) {
		repeats_end();
		memcpy(queue.last, text, sizeof(queue.last));
		queue.last_level = level;
		line_put(level, text);
	}
	pthread_mutex_unlock(&queue.lock);
}

void log_trace(const char *line)
{
	char cut[LINE_BYTES];

	if ((size_t)snprintf(cut, sizeof(cut), "%s", line) >= sizeof(cut))
		memcpy(cut + sizeof(cut) - sizeof("...\n"), "...\n", sizeof("...\n"));
	/* A forked child has no log thread. If a thread held the lock during fork(), the child's
	 * copy of the lock stays locked for ever: do not take it. */
	if (queue.pid != getpid()) {
		line_write(cut);
		return;
	}
	pthread_mutex_lock(&queue.lock);
	line_queue(cut);
	pthread_mutex_unlock(&queue.lock);
}

void log_tick(void)
{
	pthread_mutex_lock(&queue.lock);
	if (queue.repeats && clock_steady_ms() - queue.repeats_since_ms >= REPEAT_MS)
		repeats_end();
	pthread_mutex_unlock(&queue.lock);
}

uint64_t log_dropped(void)
{
	uint64_t n;

	pthread_mutex_lock(&queue.lock);
	n = queue.dropped;
	pthread_mutex_unlock(&queue.lock);
	return n;
}

void log_stop(void)
{
	struct timespec until = thread_deadline(clock_now_ms() + STOP_WAIT_MS);

	pthread_mutex_lock(&queue.lock);
	repeats_end();
	queue.is_stopping = true;
	pthread_cond_broadcast(&queue.change);
	while (queue.is_running)
		if (pthread_cond_timedwait(&queue.change, &queue.lock, &until))
			break;
	/* If the thread hangs, do not wait longer: the thread ends with the process. */
	pthread_mutex_unlock(&queue.lock);
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

/* If log_capture() failed, messages go to standard error without a prefix. */
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
