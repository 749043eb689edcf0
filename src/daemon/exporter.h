/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exporter.h - exports the counters to Prometheus, by HTTP and as a textfile. */
#ifndef WAYMARK_SRC_DAEMON_EXPORTER_H
#define WAYMARK_SRC_DAEMON_EXPORTER_H

struct exporter;
struct daemon;

int exporter_open(struct daemon *d); /* 0 or -errno, logged */
/* Apply a new configuration. Return 0 or -errno, logged. */
int exporter_reload(struct daemon *d);
/* Return the counters as malloc'd text in Prometheus' format, or NULL. */
char *exporter_page(struct daemon *d);
void exporter_tick(struct daemon *d);
void exporter_close(struct daemon *d);

#endif
