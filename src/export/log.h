/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - writes lines to standard error. If the journal reads standard error, each line begins
 * with its priority.
 */
#ifndef WAYMARK_SRC_EXPORT_LOG_H
#define WAYMARK_SRC_EXPORT_LOG_H

#include <syslog.h>

/* priority: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO. */
__attribute__((format(printf, 2, 3))) void export_log(int priority, const char *format, ...);

#endif
