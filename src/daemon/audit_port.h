/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_port.h - what the audit needs from the daemon: where records and alerts go, and
 * who diagnoses stray packets.
 */
#ifndef WAYMARK_SRC_DAEMON_AUDIT_PORT_H
#define WAYMARK_SRC_DAEMON_AUDIT_PORT_H

#include "waymark/audit/audit.h"

struct daemon;

void audit_port_fill(struct daemon *d, struct audit_port *port);

#endif
