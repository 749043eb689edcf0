/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec.h - limits of the programs that run for alerts.
 */
#ifndef WAYMARK_SRC_ALERT_EXEC_H
#define WAYMARK_SRC_ALERT_EXEC_H

#define EXEC_CHILDREN_MAX 8
#define EXEC_QUEUE_MAX	  64
#define EXEC_TIMEOUT_MS	  30000
#define EXEC_STOP_MS	  2000

#endif
