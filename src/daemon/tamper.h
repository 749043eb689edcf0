/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper.h - detects that another process has changed the steering, and which process it is. A pass
 * is one reconcile, between tamper_begin() and tamper_end().
 */
#ifndef WAYMARK_SRC_DAEMON_TAMPER_H
#define WAYMARK_SRC_DAEMON_TAMPER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/tamper_suspects.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/steering/steering.h"

struct tamper;
struct daemon;

int tamper_open(struct daemon *d); /* 0 or -errno, logged */
int tamper_start(struct daemon *d);
void tamper_stop(struct daemon *d);
void tamper_close(struct daemon *d);
/* tamper_notice(): take a notice; return true if no other module needs the notice. tamper_lost():
 * note that notices were lost. */
bool tamper_notice(struct daemon *d, const struct rtnl_notice *n);
void tamper_lost(struct daemon *d);
/* tamper_fd(): return the socket of ruleset notices. tamper_read(): read pending notices; return
 * whether they show that the ruleset has been removed. */
int tamper_fd(const struct daemon *d);
bool tamper_read(struct daemon *d);
/* Return whether a pass is due, because the quiet time after a suspicion (QUIET_MS) has passed or a
 * repair was postponed until now. */
bool tamper_is_due(struct daemon *d, int64_t now_ms);
/* End the quiet time now. Return whether there is a suspicion that no pass has examined. */
bool tamper_ripen(struct daemon *d);
void tamper_begin(struct daemon *d, int64_t now_ms);
/* Take a change that the pass has made. If the change repaired tampering by another process, report
 * this and return true. */
bool tamper_done(struct daemon *d, const struct steering_change *c);
void tamper_end(struct daemon *d, int err);
/* Begin a gap in the evidence, because an operator has removed the steering. */
void tamper_pause(struct daemon *d);
/* Forget all suspicions and end the gap, because everything was reinstalled. */
void tamper_forget(struct daemon *d);

#endif
