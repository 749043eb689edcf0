/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sinks.h - where alerts go. None of them blocks; what a sink cannot take is
 * counted, with the last reason in words.
 */
#ifndef WAYMARK_SRC_ALERT_SINKS_H
#define WAYMARK_SRC_ALERT_SINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/facts.h"

struct sink_status {
	uint64_t failed;
	char last_error[160];
};
void __attribute__((format(printf, 2, 3)))
sink_fail(struct sink_status *s, const char *format, ...);

/* jsonl.c: appends the line. The file is opened anew each time, so that it may be
 * rotated; a FIFO without a reader and a full disk are failures. The caller's
 * process ignores SIGPIPE. */
void jsonl_write(const char *path, const char *line, struct sink_status *s);

/* syslog.c: one message to the local daemon. socket_path: SYSLOG_PATH but in tests. */
#define SYSLOG_PATH "/dev/log"
void syslog_write(const char *socket_path, const struct alert *alert, struct sink_status *s);
/* What the system's log is told: the sentence, and its facility and severity in one
 * number, as syslog(3) has it. Returns text. */
#define SYSLOG_TEXT_SIZE 400
const char *syslog_text(const struct alert *alert, char text[SYSLOG_TEXT_SIZE]);
int syslog_priority(const struct alert *alert);

/* journal.c: the same to systemd's journal, with each fact as a field, where it is. */
#define JOURNAL_PATH "/run/systemd/journal/socket"
bool journal_is_there(const char *socket_path);
void journal_write(const char *socket_path, const struct alert *alert,
		   const struct fact facts[FACTS_COUNT], struct sink_status *s);

/* exec.c: programs. */
#define EXEC_CHILDREN_MAX 8
#define EXEC_QUEUE_MAX	  64
#define EXEC_TIMEOUT_MS	  30000
#define EXEC_STOP_MS	  2000

struct exec;
struct exec *exec_new(struct sink_status *s); /* NULL with errno; s must outlive it */
/* Leaves EXEC_STOP_MS to programs; those that run still are left to themselves, waiting
 * ones counted as failed. */
void exec_free(struct exec *e);
/* Who the programs run as from now on; NULL: as we do. The user must exist when this is
 * called, else no program runs until it is called again. */
void exec_set_user(struct exec *e, const char *name);
/* Runs the program, or each of the folder, with the facts in its environment and
 * the line on its standard input; or has it wait. */
void exec_run(struct exec *e, const char *path, const struct fact facts[FACTS_COUNT],
	      const char *line);
/* Reaps, kills what is over its time, starts what waits. */
void exec_tick(struct exec *e, int64_t now_ms);
uint32_t exec_children(const struct exec *e);

#endif
