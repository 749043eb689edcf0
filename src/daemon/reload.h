/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload.h - SIGHUP: follows another configuration. A bad file changes nothing.
 */
#ifndef WAYMARK_SRC_DAEMON_RELOAD_H
#define WAYMARK_SRC_DAEMON_RELOAD_H

struct config;
struct daemon;

void reload_config(struct daemon *d);
/* Follow keys retention, max-size and anonymize. */
void reload_retention(struct daemon *d);
/* Follow key log-level. */
void reload_log_level(const struct config *c);
/* The same for an operator: 0 or -errno. The former configuration is handed over in
 * *former (may be NULL), for reload_return. */
int reload_keeping(struct daemon *d, struct config **former);
/* Return to a former configuration, which is taken over. */
void reload_return(struct daemon *d, struct config *former);

#endif
