/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h - reports the daemon's state to the service manager, as sd_notify(3) does.
 */
#ifndef WAYMARK_SRC_DAEMON_NOTIFY_H
#define WAYMARK_SRC_DAEMON_NOTIFY_H

/* Send "READY=1", "STOPPING=1", ... Does nothing without a service manager. If the manager does not
 * read, the message is kept for the next call. */
void notify_send(const char *state);
/* Send "WATCHDOG=1", after pending messages; call once a second. */
void notify_beat(void);
/* Send "RELOADING=1" with the time that systemd requires. */
void notify_reloading(void);

#endif
