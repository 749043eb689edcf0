/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover.h - finds out from the history what happened to the flows of an uplink that went down.
 * The flows are counted by class. Live flows whose bytes are unknown are also listed one by one, so
 * that a caller that can read the kernel's conntrack table can add their counters.
 */
#ifndef WAYMARK_STORE_FAILOVER_H
#define WAYMARK_STORE_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/base/event.h"
#include "waymark/store/query.h"

/* What became of a flow. A flow belongs to the first class that matches. */
enum failover_class {
	/* the mark names the failed uplink, but packets left by another uplink during the
	 * failover */
	FAILOVER_MOVED,
	FAILOVER_DELETED, /* deleted by Waymark because on-uplink-down is flush */
	/* was live when the uplink went down and is still live; did not move to another uplink */
	FAILOVER_STRANDED,
	/* like FAILOVER_STRANDED, but the TCP connection is not established, or the flow has had
	 * no packet since the failover. Only the kernel's conntrack table shows this, so
	 * query_failover() puts no flow into this class. A caller that has read the conntrack table
	 * does, with failover_set_idle(). */
	FAILOVER_IDLE,
	FAILOVER_ENDED,	 /* was live when the uplink went down; has ended since then */
	FAILOVER_BACKUP, /* began on another uplink while the failed one was down */
	/* like FAILOVER_BACKUP, but later deleted by Waymark because on-uplink-up is return */
	FAILOVER_RETURNED,
	FAILOVER_CLASSES,
};
const char *failover_class_name(enum failover_class c); /* such as "moved" */
int failover_class_parse(const char *name);		/* return the class, or -EINVAL */

/* Totals of the flows of one class. The classes moved, backup and returned have separate totals for
 * each uplink in `by`. */
struct failover_sum {
	enum failover_class class;
	/* classes moved, backup and returned: the uplink that the flows used instead; all other
	 * classes: "" */
	char by[UPLINK_NAME_MAX];
	uint64_t flows, live; /* number of all flows, and number of those that are live now */
	uint64_t bytes;	      /* bytes of both directions, of the flows whose bytes are known */
	uint64_t unknown;     /* number of flows whose bytes are unknown */
};

/* A live flow whose bytes the history does not know. */
struct failover_live {
	int64_t id;
	int64_t started_ms; /* 0: unknown */
	size_t sum;	    /* index of the element of failover.sums that counts this flow */
	uint8_t proto;
	uint16_t zone;
	uint32_t ct_id;
	struct endpoints tuple; /* of the original direction */
	/* whether the caller has filled in packets[] and bytes[]; query_failover() sets false */
	bool is_counted;
	bool is_idle; /* failover_set_idle() has moved the flow to class idle */
	/* the flow's counters, by enum direction; valid only if is_counted is true */
	uint64_t packets[2], bytes[2];
};

struct failover {
	char uplink[UPLINK_NAME_MAX];
	int64_t down_ms;   /* when the uplink went down */
	int64_t back_ms;   /* when the uplink was up again; 0: it has not been up since */
	char cause[16];	   /* why the uplink went down: "link", "health", ...; "": unknown */
	char decision[16]; /* what waymarkd or a user decided: "down", "drain", ...; "": nothing */
	char user[32];	   /* the user who made the decision; "": no user */
	/* How the fault was detected. If cause is "health": "flows" (flows got no answers) or
	 * "check" (the check program failed). Otherwise the same text as cause. */
	char detected_by[16];
	/* When the fault began: the time of the last answer or of the first failed check; 0:
	 * unknown. */
	int64_t began_ms;
	/* Number of flows that started on the uplink from began_ms to down_ms and got no answer,
	 * and number of packets that these flows sent. Flows whose counters are unknown are not
	 * included. Both numbers are 0 if began_ms is unknown. */
	uint64_t unanswered, packets_lost;
	/* The health text that was recorded last between down_ms - 60 s and down_ms + 2 s; "":
	 * none. */
	char detail[96];
	struct failover_sum *sums; /* sorted by class; each class has at least one element */
	size_t n_sums;
	struct failover_live *live; /* all live flows whose bytes are unknown, by ascending id */
	size_t n_live;
};

/* Find the last failover of the uplink with this name (NULL: of any uplink) at or before at_ms (0:
 * at any time), and set *out to what happened to the uplink's flows. A failover is a change of the
 * uplink's state from 'up' or 'drain' to another state while a daemon ran. Return 0 (call
 * failover_free() afterwards), -ENOENT if the history has no such failover, or -errno;
 * query_error() then has the message. */
int query_failover(struct query *q, const char *uplink, int64_t at_ms, struct failover *out);
/* Like query_failover(), but find the failover with this id. query_failovers() lists the ids. */
int query_failover_of(struct query *q, int64_t id, struct failover *out);
void failover_free(struct failover *f);

/* List the ids of all failovers of an uplink (NULL: of any uplink) at or after since_ms and before
 * until_ms (0: no limit), oldest first. The caller frees *ids, also after an error. Return 0 or
 * -errno. */
int query_failovers(struct query *q, const char *uplink, int64_t since_ms, int64_t until_ms,
		    int64_t **ids, size_t *n);

/* Add the counters that the caller has filled in for a live flow: its bytes to its element of
 * f->sums and, if the flow started after the fault began and got no answer, its packets to
 * f->packets_lost. */
void failover_add_live(struct failover *f, const struct failover_live *l);

/* Move a live flow from class stranded to class idle. Do nothing if it has another class. Must be
 * called before failover_add_live() has added the flow's counters. */
void failover_set_idle(struct failover *f, struct failover_live *l);

/* Call fn for the newest `limit` flows (0: all flows) of one class, newest first. fn gets each flow
 * as a row of the view flows. Return 0, the result of fn, or -errno. */
int query_failover_flows(struct query *q, const struct failover *f, enum failover_class c,
			 uint64_t limit, query_row_fn *fn, void *data);

#endif
