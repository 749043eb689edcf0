/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h - reports the daemon's state to the service manager, as sd_notify(3) does.
 */
#ifndef WAYMARK_SRC_DAEMON_NOTIFY_H
#define WAYMARK_SRC_DAEMON_NOTIFY_H

/* Send a state, such as "READY=1" or "STOPPING=1". If no service manager started waymarkd, do
 * nothing. If the service manager does not read its socket, keep the message and send it at the
 * next call. Only a few messages are kept; further messages are dropped. */
void notify_send(const char *state);
/* Send the kept messages and then "WATCHDOG=1". Call once per second. */
void notify_beat(void);
/* Send "RELOADING=1" with the current time, which systemd requires. */
void notify_reloading(void);

#endif
