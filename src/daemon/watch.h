/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.h - sends a line of JSON for each record and alert to the watchers (control.h). */
#ifndef WAYMARK_SRC_DAEMON_WATCH_H
#define WAYMARK_SRC_DAEMON_WATCH_H

#include "waymark/alert/alert.h"
#include "waymark/base/record.h"

struct watch;
struct daemon;

int watch_open(struct daemon *d); /* 0 or -errno */
void watch_close(struct daemon *d);
void watch_record(struct daemon *d, const struct record *r);
void watch_alert(struct daemon *d, const struct alert *a);
/* If lines were dropped since the previous call, send their number. Call once per second. */
void watch_second(struct daemon *d);

#endif
