/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reload.h - loads a new configuration, as on SIGHUP. An invalid file changes nothing. */
#ifndef WAYMARK_SRC_DAEMON_RELOAD_H
#define WAYMARK_SRC_DAEMON_RELOAD_H

struct config;
struct daemon;

void reload_config(struct daemon *d);
/* Apply keys retention, max-size and anonymize. */
void reload_retention(struct daemon *d);
/* Apply key log-level. */
void reload_log_level(const struct config *c);
/* Load the configuration file again, for an operator. Return 0 or -errno. If the reload succeeds
 * and 'former' is not NULL, set *former to the former configuration. The caller then owns it and
 * may pass it to reload_return(). */
int reload_keeping(struct daemon *d, struct config **former);
/* Return to a former configuration. Takes ownership of it. */
void reload_return(struct daemon *d, struct config *former);

#endif
