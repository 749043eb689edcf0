/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - waymarkd's log on standard error. Each line begins with a priority if journald reads it,
 * and otherwise with a time.
 *
 * A thread writes the lines, so that a pipe that is not read or a slow disk never delays the
 * caller. Lines that find the queue full are dropped and counted. Repeated lines are counted and
 * summarized.
 */
#ifndef WAYMARK_SRC_DAEMON_LOG_H
#define WAYMARK_SRC_DAEMON_LOG_H

#include <stdint.h>
#include <stdio.h>

/* Priorities of syslog(3). */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

void log_open(void);
/* Drop lines that are less important than this level. If no level is set, the level is
 * LOG_LEVEL_INFO. log_force_level() (option -d) sets the level for good; later calls of
 * log_set_level() have no effect. */
void log_set_level(enum log_level level);
void log_force_level(enum log_level level);
/* Start the thread that writes the lines from now on. Return 0 or -errno. */
int log_start(void);
/* Write the queued lines, for at most a second. Later lines are written by the caller of
 * log_line(). */
void log_stop(void);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_err(...)	 log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Write a line of the trace (-d twice) without a prefix. The line ends with a newline. A long line
 * is truncated. */
void log_trace(const char *line);

/* Write how often the last line was repeated, if this is due. Call about once per second. */
void log_tick(void);
/* Return how many lines were dropped because the queue was full. */
uint64_t log_dropped(void);

/* Log messages that other modules print to a FILE. log_capture() returns a capture, or NULL if
 * memory is short; log_capture_file() returns its FILE; log_release() logs what was printed to the
 * FILE, line by line, and frees the capture. */
struct log_capture;
struct log_capture *log_capture(void);
FILE *log_capture_file(struct log_capture *c);
void log_release(struct log_capture *c, enum log_level level);

#endif
