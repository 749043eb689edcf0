/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - the daemon's log: a line each on standard error, with the priority
 * that journald reads where it listens, with the time where a person does.
 */
#ifndef WAYMARK_SRC_DAEMON_LOG_H
#define WAYMARK_SRC_DAEMON_LOG_H

#include <stdio.h>

/* Numbers of syslog(3). */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6
};

void log_open(void);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_err(...)	 log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)

/* Messages that other modules print to a FILE: log_capture gives one, and
 * log_release logs what was printed to it, a line each. NULL: no memory. */
struct log_capture;
struct log_capture *log_capture(void);
FILE *log_capture_file(struct log_capture *c);
void log_release(struct log_capture *c, enum log_level level);

#endif
