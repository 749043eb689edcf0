/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syslog.h - sends alerts to the system's log: the journal or a syslog daemon. */
#ifndef WAYMARK_SRC_ALERT_SYSLOG_H
#define WAYMARK_SRC_ALERT_SYSLOG_H

#include <stdbool.h>

#include "waymark/alert/sink.h"

#define SYSLOG_PATH  "/dev/log"
#define JOURNAL_PATH "/run/systemd/journal/socket"

/* Write the alert's kind, its text, and the number of alerts that it stands for to `text`. Return
 * `text`. */
#define SYSLOG_TEXT_SIZE 400
const char *syslog_text(const struct alert *alert, char text[SYSLOG_TEXT_SIZE]);
/* Return the facility and the severity combined as in the priority argument of syslog(3). */
int syslog_priority(const struct alert *alert);
/* Send one message to the socket of a log daemon. */
void syslog_write(const char *socket_path, const struct alert *alert, struct sink_status *s);

bool journal_is_there(const char *socket_path);
/* Send one message to systemd's journal, with each fact as a field. */
void journal_write(const char *socket_path, const struct alert *alert, const struct facts *facts,
		   struct sink_status *s);

#endif
