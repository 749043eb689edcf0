/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover.h - finds out from the history what happened to the flows of an uplink that went down.
 * Flows are summed by class. Live flows whose bytes are unknown are also listed one by one. A
 * caller that can read the kernel's conntrack table adds their counters.
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
	/* like FAILOVER_STRANDED, but the connection is not established, or the flow has had no
	 * packet since the failover. The history cannot distinguish idle from stranded flows. A
	 * caller that has read the kernel's conntrack table distinguishes them and calls
	 * failover_set_idle(). */
	FAILOVER_IDLE,
	FAILOVER_ENDED,	 /* was live when the uplink went down; has ended since then */
	FAILOVER_BACKUP, /* began on another uplink while the failed one was down */
	/* like FAILOVER_BACKUP, but later deleted by Waymark because on-uplink-up is return */
	FAILOVER_RETURNED,
	FAILOVER_CLASSES,
};
const char *failover_class_name(enum failover_class c); /* such as "moved" */
int failover_class_parse(const char *name);		/* return the class, or -EINVAL */

/* The sum of the flows of one class. The classes moved, backup and returned have one sum for each
 * value of 'by'. */
struct failover_sum {
	enum failover_class class;
	/* classes moved, backup and returned: the uplink that the flows used instead; all other
	 * classes: "" */
	char by[UPLINK_NAME_MAX];
	uint64_t flows, live; /* number of all flows, and of those that are live now */
	/* bytes of both directions; a flow whose bytes are unknown is not included */
	uint64_t bytes;
	uint64_t unknown; /* number of flows whose bytes are unknown */
};

/* A live flow whose bytes the history does not know. */
struct failover_live {
	int64_t id;
	int64_t started_ms; /* 0: unknown */
	size_t sum;	    /* index in failover.sums: the sum that includes this flow */
	uint8_t proto;
	uint16_t zone;
	uint32_t ct_id;
	struct endpoints tuple; /* of the original direction */
	/* query_failover() sets false; the caller sets true after it has filled in bytes[] */
	bool is_counted;
	bool is_idle; /* set by failover_set_idle() */
	/* by enum direction; valid if is_counted */
	uint64_t packets[2], bytes[2];
};

struct failover {
	char uplink[UPLINK_NAME_MAX];
	int64_t down_ms;
	int64_t back_ms;   /* 0: the uplink is still down */
	char cause[16];	   /* "link", "health", "operator", ...; "": unknown */
	char decision[16]; /* "down", "drain", ...; "": none */
	char user[32];	   /* the user who made the decision; "": no user */
	/* What detected the fault: "flows" without answers, "check": the check program; else as
	 * cause. */
	char detected_by[16];
	/* When the fault began: the last answer or the first failed check; 0: unknown. */
	int64_t began_ms;
	/* Flows that started by the uplink from began_ms to down_ms and got no answer, and the
	 * packets that they sent: as far as they are counted, and only if began_ms is known. */
	uint64_t unanswered, packets_lost;
	/* text of the newest health sample taken from down_ms - 60 s to down_ms + 2 s; "": none */
	char detail[96];
	struct failover_sum *sums; /* sorted by class; each class has at least one sum */
	size_t n_sums;
	struct failover_live *live; /* in the order of ids */
	size_t n_live;
};

/* A failover is a change of an uplink's state from 'up' or 'drain' to another state while a daemon
 * ran. Find the last failover at or before at_ms (0: the last failover in the history) of the
 * uplink with this name (NULL: of any uplink). Fill in *out with what happened to the uplink's
 * flows. Return 0 (call failover_free() afterwards), -ENOENT if the history has no such failover,
 * or -errno; query_error() then has the message. */
int query_failover(struct query *q, const char *uplink, int64_t at_ms, struct failover *out);
/* Like query_failover(), but find the failover with this id. query_failovers() lists the ids. */
int query_failover_of(struct query *q, int64_t id, struct failover *out);
void failover_free(struct failover *f);

/* List the ids of all failovers of an uplink (NULL: of any uplink) at or after since_ms and before
 * until_ms (0: no limit), oldest first. The caller frees *ids, also after an error. Return 0 or
 * -errno. */
int query_failovers(struct query *q, const char *uplink, int64_t since_ms, int64_t until_ms,
		    int64_t **ids, size_t *n);

/* Count a live flow, after the caller has filled in its counters: add its bytes to its sum, and its
 * packets to packets_lost if it got no answer. */
void failover_add_live(struct failover *f, const struct failover_live *l);

/* Move a live flow from class stranded to class idle. */
void failover_set_idle(struct failover *f, struct failover_live *l);

/* Call fn for the flows of one class, newest first, for at most limit flows (0: all). Each flow is
 * one row of the view flows. Return 0, the result of fn, or -errno. */
int query_failover_flows(struct query *q, const struct failover *f, enum failover_class c,
			 uint64_t limit, query_row_fn *fn, void *data);

#endif
