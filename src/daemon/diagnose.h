/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagnose.h - finds out from the kernel why a packet strayed, that is, left by an interface that
 * its flow's mark does not name. */
#ifndef WAYMARK_SRC_DAEMON_DIAGNOSE_H
#define WAYMARK_SRC_DAEMON_DIAGNOSE_H

#include "waymark/audit/audit.h"

struct diagnose;
struct daemon;

int diagnose_open(struct daemon *d); /* 0 or -errno */
void diagnose_close(struct daemon *d);
/* Callback `diagnose` of struct audit_port; `data` is the struct daemon. */
enum reason diagnose_stray(void *data, const struct audit_stray *stray, char object[OBJECT_MAX]);
/* Callback `is_undrained` of struct audit_port; `data` is the struct daemon. */
bool diagnose_undrained(void *data, const struct audit_stray *stray, char object[OBJECT_MAX]);

#endif
