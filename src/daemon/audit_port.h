/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_port.h - the callbacks by which the audit passes records and alerts to the daemon, and asks
 * for a diagnosis of stray packets.
 */
#ifndef WAYMARK_SRC_DAEMON_AUDIT_PORT_H
#define WAYMARK_SRC_DAEMON_AUDIT_PORT_H

#include "waymark/audit/audit.h"

struct daemon;

void audit_port_fill(struct daemon *d, struct audit_port *port);

#endif
