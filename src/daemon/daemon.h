/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon.h - the wiring of waymarkd. Data flows one way: the kernel's adapters
 * (observe.c) into the audit, from it (tell.c) into the store's queue and to the
 * alerts. Beside it steer.c keeps the steering as planned, and status.c answers
 * the control socket.
 */
#ifndef WAYMARK_SRC_DAEMON_DAEMON_H
#define WAYMARK_SRC_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop.h"
#include "waymark/plan/adopt.h"
#include "waymark/alert/alert.h"
#include "waymark/audit/audit.h"
#include "waymark/base/clock.h"
#include "waymark/config/config.h"
#include "daemon/control.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/ifnames.h"
#include "waymark/kernel/nflog.h"
#include "waymark/kernel/nft.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/steering/steering.h"
#include "waymark/store/store.h"

/* An interval in which something may have been missed, while it lasts. */
struct open_gap {
	int64_t id; /* 0: none is open */
	int64_t started_ms;
};

/* Why packets of an uplink and family went astray, by the kernel as it was a moment
 * ago (diagnose.c). */
struct diagnosis {
	int64_t time_ms; /* 0: none yet */
	struct addr dst;
	enum reason reason;
};

struct coverage;
/* A flow whose entry is to be deleted at the next tick (flow_delete.c). */
#define DELETIONS_MAX	   64
#define DELETIONS_A_SECOND 10
struct wanted_deletion {
	int64_t flow_id, mismatch_id;
	uint8_t expected;      /* slot that its mark names */
	struct ct_event entry; /* its tuple, zone and id */
};

struct exporter;
struct tamper;

struct daemon {
	struct config *config;
	struct loop *loop;
	int signal_fd, timer_fd;

	struct store *store;
	struct writer *writer;
	struct alerter *alerter;
	struct control *control;
	struct exporter *exporter;

	struct conntrack *conntrack;
	struct nflog *nflog;
	struct ifnames *ifnames;
	struct rtnl_monitor *links;
	struct nft_monitor *rules;
	struct steering *steering;
	struct tamper *tamper;
	struct audit *audit;
	struct coverage *coverage;

	bool is_ready, is_steering_kept;
	int64_t started_ms, second_ms;
	int64_t started_steady_ms; /* of what only runs */

	/* observe.c */
	int64_t last_event_ms, last_packet_ms;
	int64_t last_logged_ms;			    /* when there last was a packet */
	struct open_gap packets_gap;		    /* the socket has not been read empty since */
	int64_t overrun_since_ms, overrun_until_ms; /* of the latest gap of which it is not known
						     * yet how many were lost; 0: of none */
	struct open_gap events_gap;		    /* as packets_gap, of the event socket */
	uint64_t events_refused;    /* deliveries that had no room, before that gap */
	uint64_t events_unreadable; /* parse errors of which a gap tells */
	uint64_t held_back;	    /* times that events waited for the store */
	int64_t valve_ms;	    /* when the conntrack table's room was last looked at */
	bool is_reliable;	    /* the kernel keeps a flow until its end is delivered */
	struct open_gap valve_gap;  /* it does not, for the table is nearly full */

	/* relabel.c */
	bool is_relabelling;
	unsigned stale_from; /* then: the first label to be cleared */
	uint64_t relabelled;

	/* resync.c */
	struct conntrack_dump *dump;		      /* that runs, or NULL */
	int64_t next_resync_ms;			      /* 0: none wanted */
	int64_t dump_started_steady_ms, dump_took_ms; /* steady clock */
	int64_t step_ms;			      /* when some of the dump was last read */
	int64_t last_resync_ms;
	bool is_resync_news; /* the one that is wanted or runs is not a matter of routine */
	uint64_t resyncs, dump_entries; /* since the start; of the latest */

	/* event_mask.c */
	bool is_minimal; /* the ct event mask is set */
	int listeners;	 /* to conntrack events, others than this daemon */
	int64_t event_mask_ms;

	/* adoption.c */
	struct adopt *adopt; /* while flows are adopted, else NULL */
	uint32_t adopted, unadopted;

	/* publish.c */
	uint64_t refused;      /* records that the queue had no room for */
	uint64_t refused_told; /* of them, those in a gap already */
	int64_t refused_since_ms;
	uint32_t lines_this_second, lines_folded;

	/* watch.c */
	uint32_t watch_lines, watch_skipped; /* in this second */

	/* diagnose.c */
	struct diagnosis routing[UPLINKS_MAX][2], restoring;
	int64_t diagnoses_since_ms;
	unsigned n_diagnoses;

	/* steer.c */
	int64_t reconcile_due_ms; /* 0: none wanted */
	uint8_t uplink_state[UPLINKS_MAX];
	uint8_t uplink_state_told[UPLINKS_MAX]; /* what of it is in the history; 0: nothing */

	/* flush.c */
	int64_t flush_due_ms[UPLINKS_MAX]; /* steady clock; 0: nothing to delete */
	bool is_uplink_up[UPLINKS_MAX];

	/* flow_delete.c */
	struct wanted_deletion deletions[DELETIONS_MAX];
	unsigned n_deletions;
	int64_t deleted_ms[DELETIONS_A_SECOND]; /* steady clock: when the latest were; a ring */
	uint64_t deleted, not_deleted;		/* not: because of the rate */
	uint64_t not_deleted_reported;
	int64_t not_deleted_reported_ms; /* steady clock */

	/* status.c */
	uint64_t flows_last_second;
	double flows_per_s;
};

/* daemon.c: opens and installs everything, or logs why not and leaves nothing.
 * Takes the configuration, whatever comes of it. NULL with errno. */
struct daemon *daemon_start(struct config *c);
int daemon_run(struct daemon *d);
void daemon_stop(struct daemon *d);

/* observe.c */
int observe_open(struct daemon *d);
/* Reads what waits, up to a batch: messages read, or -errno. */
int observe_packets(struct daemon *d);
int observe_events(struct daemon *d);
int observe_start(struct daemon *d);
/* In the moment before anything is routed anew: the whole table, whose flows from
 * before are adopted. is_new: nothing has been labelled until now. */
void observe_before(struct daemon *d, bool is_new);
void observe_tick(struct daemon *d, int64_t now_ms);
void observe_drain(struct daemon *d);
void observe_close(struct daemon *d);

/* collisions.c: logs what of others meets what is ours; never refuses. 0. */
int collisions_tell(struct daemon *d);

/* adoption.c: begin, each entry of the table, end. */
int adoption_begin(struct daemon *d);
void adoption_take(struct daemon *d, const struct ct_event *ev);
void adoption_end(struct daemon *d);

/* relabel.c: begin, whether there is something to do; each entry of the table; end. */
bool relabel_begin(struct daemon *d);
void relabel_take(struct daemon *d, const struct ct_event *ev);
void relabel_end(struct daemon *d);

/* resync.c: the audit's flows are brought in step with the kernel's by a dump. */
int resync_now(struct daemon *d);		    /* returns when it is through; 0 or -errno */
void resync_ask(struct daemon *d, int64_t now_ms);  /* something was lost */
void resync_look(struct daemon *d, int64_t now_ms); /* to know how things stand */
void resync_tick(struct daemon *d, int64_t now_ms);
void resync_close(struct daemon *d);

/* coverage.c: how much of what left the history accounts for. Open: after the audit,
 * before the writer and the steering. */
int coverage_open(struct daemon *d);
void coverage_stop(struct daemon *d); /* before the writer stops */
void coverage_close(struct daemon *d);
void coverage_tick(struct daemon *d, int64_t now_ms);
/* A dump is through. */
void coverage_look(struct daemon *d, int64_t now_ms);
/* Wants a look that begins now. How many looks are in the history so far, and with the
 * one that is wanted. */
void coverage_ask(struct daemon *d, int64_t now_ms);
uint64_t coverage_looks(const struct daemon *d);
uint64_t coverage_looks_due(const struct daemon *d);
/* Of an uplink since the start; started_ms 0: there was no interval yet. */
const struct coverage_record *coverage_sum(const struct daemon *d, uint8_t slot);
/* Another uplink has this slot, or none. */
void coverage_forget(struct daemon *d, uint8_t slot);

/* event_mask.c: which events the kernel makes. */
int event_mask_start(struct daemon *d);
void event_mask_tick(struct daemon *d, int64_t now_ms);

/* publish.c */
/* Alerts: after the store, before its writer. */
int publish_open(struct daemon *d);
/* To the sinks and to who watches. */
void publish_raise(struct daemon *d, const struct alert *a);
/* The alert of a gap: what was lost, why in a word or two. */
void publish_gap(struct daemon *d, const char *reason, const char *text);
void publish_port(struct daemon *d, struct audit_port *port);
/* A row for the history, and for who watches. */
void publish_record(void *data, const struct record *r);
void publish_tick(struct daemon *d, int64_t now_ms);
/* Row and alert; thing: "route", "ruleset", ...; text: the sentence for people. */
void publish_tampering(struct daemon *d, const struct tampering_record *t, const char *thing,
		       const char *text);
/* The row alone. */
void publish_uplink_state(struct daemon *d, uint8_t slot, const char *state);

/* watch.c */
void watch_record(struct daemon *d, const struct record *r);
void watch_alert(struct daemon *d, const struct alert *a);
void watch_second(struct daemon *d);

/* diagnose.c: for the audit's port. */
enum reason diagnose_stray(void *data, const struct audit_stray *stray);

/* steer.c */
int steer_open(struct daemon *d);
int steer_start(struct daemon *d);
void steer_tick(struct daemon *d, int64_t now_ms);
void steer_stop(struct daemon *d);
void steer_close(struct daemon *d);
/* Takes over another configuration: ruleset, routes, addresses. 0 or -errno. */
int steer_reload(struct daemon *d);
/* Mends and tells of what waits: a reload would mend it in silence, and after a stop
 * nobody would. */
void steer_settle(struct daemon *d);
/* Writes down what the uplinks have become since; their names must be known by then. */
void steer_tell_states(struct daemon *d);
/* What was known of an uplink that was in this slot is no longer of use. */
void steer_forget(struct daemon *d, uint8_t slot);

/* flush.c: on-uplink-down. An uplink has come up, or is down. */
void flush_note(struct daemon *d, uint8_t slot, bool is_up);
void flush_tick(struct daemon *d);

/* flow_delete.c: on-mismatch. A mismatch that was not there before; it is acted upon at the
 * next tick. */
void flow_delete_want(struct daemon *d, const struct flow_record *f,
		      const struct mismatch_record *m);
void flow_delete_tick(struct daemon *d, int64_t now_ms);

/* tamper.c: who undoes the steering. A pass is one reconcile, between begin and end. */
int tamper_open(struct daemon *d);
int tamper_start(struct daemon *d);
void tamper_stop(struct daemon *d);
void tamper_close(struct daemon *d);
/* Takes a notice; true: nobody else need follow it. Or some were lost. */
bool tamper_notice(struct daemon *d, const struct rtnl_notice *n);
void tamper_lost(struct daemon *d);
/* Takes what has been told of the ruleset by now. */
void tamper_read(struct daemon *d);
/* Whether a pass is due; whether something waits for one, which then is due. */
bool tamper_is_due(struct daemon *d, int64_t now_ms);
bool tamper_ripen(struct daemon *d);
void tamper_begin(struct daemon *d, int64_t now_ms);
/* A change of the pass has been made; false: it is no tampering. */
bool tamper_done(struct daemon *d, const struct steering_change *c);
void tamper_end(struct daemon *d, int err);
/* Everything has been installed anew. */
void tamper_forget(struct daemon *d);

/* exporter.c: for Prometheus. */
int exporter_open(struct daemon *d);
int exporter_reload(struct daemon *d); /* another configuration; 0 or -errno, logged */
void exporter_tick(struct daemon *d);
void exporter_close(struct daemon *d);

/* reload.c: SIGHUP. A bad file changes nothing. */
void daemon_reload(struct daemon *d);

/* status.c: the control socket's answers. */
char *status_answer(void *data, const char *command);
void status_second(struct daemon *d);

#endif
