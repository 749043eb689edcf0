/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover.h - what happened to an uplink's flows when it went down, as the history shows: sums of
 * the flows by class. Flows that are still live are also listed, so that a caller with access to
 * the kernel's conntrack table can add their counters.
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
	/* marked for the uplink, but packets left by another one during the failover */
	FAILOVER_MOVED,
	FAILOVER_DELETED, /* deleted because on-uplink-down is flush */
	/* live when the uplink went down and still live, neither moved nor deleted */
	FAILOVER_STRANDED,
	/* like stranded, but the connection is not established, or it has been silent since the
	 * failover. The history cannot distinguish idle from stranded flows: a caller that has read
	 * the kernel's conntrack table calls failover_set_idle(). */
	FAILOVER_IDLE,
	FAILOVER_ENDED,	   /* live when the uplink went down, ended since then */
	FAILOVER_BACKUP,   /* began on another uplink while the failed one was down */
	FAILOVER_RETURNED, /* like backup, but deleted since because on-uplink-up is return */
	FAILOVER_CLASSES,
};
const char *failover_class_name(enum failover_class c); /* such as "moved" */
int failover_class_parse(const char *name);		/* return the class, or -EINVAL */

/* The sum of the flows of one class. The classes moved, backup and returned have one sum for each
 * uplink in 'by'. */
struct failover_sum {
	enum failover_class class;
	char by[UPLINK_NAME_MAX]; /* moved, backup, returned: the other uplink; else "" */
	uint64_t flows, live;	  /* all flows of the sum, and how many of them are live now */
	uint64_t bytes;		  /* of both directions; only flows whose bytes are known */
	uint64_t unknown;	  /* flows whose bytes are unknown */
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
	/* set by the caller once bytes[] is filled in; query_failover() sets false */
	bool is_counted;
	bool is_idle;	   /* set by failover_set_idle() */
	uint64_t bytes[2]; /* by enum direction; valid if is_counted */
};

struct failover {
	char uplink[UPLINK_NAME_MAX];
	int64_t down_ms;
	int64_t back_ms;	   /* 0: the uplink is still down */
	char cause[16];		   /* "link", "health", "operator", ...; "": unknown */
	char decision[16];	   /* "down", "drain", ...; "": none */
	char user[32];		   /* the user who made the decision; "": no user */
	char detail[96];	   /* text of the newest health sample around that time; "": none */
	struct failover_sum *sums; /* by class, at least one per class */
	size_t n_sums;
	struct failover_live *live; /* in the order of ids */
	size_t n_live;
};

/* Find the last time at or before at_ms (0: the last time ever) when an uplink went from state 'up'
 * or 'drain' to another state while a daemon ran. uplink is the uplink's name; NULL: any uplink.
 * Fill in *out with what became of its flows. Return 0 (call failover_free() afterwards), -ENOENT
 * if no such time is in the history, or -errno; query_error() then has the message. */
int query_failover(struct query *q, const char *uplink, int64_t at_ms, struct failover *out);
/* Read the failover with this id, which query_failovers() returned; otherwise as
 * query_failover(). */
int query_failover_of(struct query *q, int64_t id, struct failover *out);
void failover_free(struct failover *f);

/* List the ids of all failovers of the uplink (NULL: of any) from since_ms on and before until_ms
 * (0: without an end), oldest first. Free *ids, also after an error. Return 0 or -errno. */
int query_failovers(struct query *q, const char *uplink, int64_t since_ms, int64_t until_ms,
		    int64_t **ids, size_t *n);

/* Move a live flow from class stranded to class idle. */
void failover_set_idle(struct failover *f, struct failover_live *l);

/* Call fn for the flows of one class, as rows of the view flows, newest first, at most limit (0:
 * all). Return 0, the result of fn, or -errno. */
int query_failover_flows(struct query *q, const struct failover *f, enum failover_class c,
			 uint64_t limit, query_row_fn *fn, void *data);

#endif
