/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon.h - connects the modules of waymarkd by opaque handles, one per module. Each module owns
 * its state; its header declares what other modules may call.
 *
 * Data flows one way: the kernel's adapters (observe.c) feed the audit. publish.c passes what the
 * audit emits to the store, the watchers and the alerts. steer.c keeps the installed steering as
 * planned. status.c reads from all these modules; none of them calls status.c.
 */
#ifndef WAYMARK_SRC_DAEMON_DAEMON_H
#define WAYMARK_SRC_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop.h"
#include "waymark/base/clock.h"
#include "waymark/config/config.h"

struct daemon {
	struct config *config;
	struct loop *loop;
	bool is_ready;
	int64_t started_ms, started_steady_ms;

	/* modules of other folders */
	struct alerter *alerter;
	struct audit *audit;
	struct conntrack *conntrack;
	struct ifnames *ifnames;
	struct nflog *nflog;
	struct steering *steering;
	struct store *store;
	struct talker *talker;
	struct writer *writer;

	/* modules of this folder */
	struct adoption *adoption;
	struct backup *backup;
	struct collisions *collisions;
	struct control *control;
	struct coverage *coverage;
	struct delivery *delivery;
	struct diagnose *diagnose;
	struct event_mask *event_mask;
	struct exporter *exporter;
	struct flow_delete *flow_delete;
	struct flush *flush;
	struct live *live;
	struct namespace_lock *namespace_lock;
	struct observe *observe;
	struct operator* operator;
	struct publish *publish;
	struct quota *quota;
	struct relabel *relabel;
	struct resync *resync;
	struct status *status;
	struct steer *steer;
	struct uplink_states *uplink_states;
	struct store_watch *store_watch;
	struct tamper *tamper;
	struct uplink_control *uplink_control;
	struct uplink_health *uplink_health;
	struct ticker *ticker; /* daemon.c: signals and the timer */
	struct usage *usage;
	struct watch *watch;
};

/* Open and install everything, or log the error and undo everything. In both cases, take ownership
 * of the configuration and the talker. Return NULL with errno on failure. */
struct daemon *daemon_start(struct config *c, struct talker *t);
int daemon_run(struct daemon *d);
void daemon_stop(struct daemon *d);

#endif
