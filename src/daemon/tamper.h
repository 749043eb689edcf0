/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper.h - notices who undoes the steering. A pass is one reconcile, between begin
 * and end.
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
/* Take a notice; true: no other module need follow it. Or: some were lost. */
bool tamper_notice(struct daemon *d, const struct rtnl_notice *n);
void tamper_lost(struct daemon *d);
/* The socket of ruleset notices. Read pending notices; return whether the rules are missing. */
int tamper_fd(const struct daemon *d);
bool tamper_read(struct daemon *d);
/* Return whether a pass is due. */
bool tamper_is_due(struct daemon *d, int64_t now_ms);
/* Make a pass due if something waits for one; return whether something does. */
bool tamper_ripen(struct daemon *d);
void tamper_begin(struct daemon *d, int64_t now_ms);
/* Take a change that the pass made; false: it is no tampering. */
bool tamper_done(struct daemon *d, const struct steering_change *c);
void tamper_end(struct daemon *d, int err);
/* An operator has removed the steering: until the next install evidence is missing. */
void tamper_pause(struct daemon *d);
/* Note that everything was reinstalled. */
void tamper_forget(struct daemon *d);

#endif
