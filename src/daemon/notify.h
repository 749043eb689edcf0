/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h - reports the daemon's state to the service manager, as sd_notify(3) does.
 */
#ifndef WAYMARK_SRC_DAEMON_NOTIFY_H
#define WAYMARK_SRC_DAEMON_NOTIFY_H

/* Sends "READY=1", "STOPPING=1", ... Does nothing if no service manager asked for it. One that
 * does not read is not waited for: what it is to know waits for the next call. */
void notify_send(const char *state);
/* "WATCHDOG=1", after what waits; once a second. */
void notify_beat(void);
/* "RELOADING=1" with the time that systemd wants beside it. */
void notify_reloading(void);

#endif
