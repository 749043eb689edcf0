/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reload.h - loads a new configuration, as on SIGHUP. An invalid file changes nothing. */
#ifndef WAYMARK_SRC_DAEMON_RELOAD_H
#define WAYMARK_SRC_DAEMON_RELOAD_H

struct config;
struct daemon;

void reload_config(struct daemon *d);
/* Apply the keys `retention`, `max-size` and `anonymize` of the configuration in force. */
void reload_retention(struct daemon *d);
/* Apply the key `log-level`. */
void reload_log_level(const struct config *c);
/* Load the configuration file again. Return 0 or -errno. If this succeeds and `former` is not NULL,
 * set *former to the former configuration. The caller then owns it and can return to it with
 * reload_return(). */
int reload_keeping(struct daemon *d, struct config **former);
/* Switch back to a former configuration, and take ownership of it. */
void reload_return(struct daemon *d, struct config *former);

#endif
