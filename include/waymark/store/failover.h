/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover.h - what happened to an uplink's flows when it went down, from the history: flows in
 * classes, and sums of them. Live flows are listed, so that a caller that may read the kernel's
 * table can count them.
 */
#ifndef WAYMARK_STORE_FAILOVER_H
#define WAYMARK_STORE_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/base/event.h"
#include "waymark/store/query.h"

/* A flow belongs to the first class that matches. */
enum failover_class {
	FAILOVER_MOVED,	   /* marked for the uplink, it left by another one meanwhile */
	FAILOVER_DELETED,  /* on-uplink-down = flush ended it */
	FAILOVER_STRANDED, /* it lived when the uplink went down, did neither, and lives */
	FAILOVER_IDLE,	   /* the same, but it is not established, or sent nothing since; only
			    * who reads the kernel's table can tell (failover_set_idle) */
	FAILOVER_ENDED,	   /* it lived when the uplink went down, and has ended since */
	FAILOVER_BACKUP,   /* it began by another uplink while this one was down */
	FAILOVER_RETURNED, /* the same, and on-uplink-up = return deleted it since */
	FAILOVER_CLASSES,
};
const char *failover_class_name(enum failover_class c); /* "moved", ... */
int failover_class_parse(const char *name);		/* enum failover_class or -EINVAL */

/* Flows of a class that left or run by the same uplink. */
struct failover_sum {
	enum failover_class class;
	char by[UPLINK_NAME_MAX]; /* moved, backup: that uplink; else "" */
	uint64_t flows, live;	  /* live: how many of flows live now */
	uint64_t bytes;		  /* both directions, of those whose bytes are known */
	uint64_t unknown;	  /* flows whose bytes are not */
};

/* A flow that lives, whose bytes the history does not know. */
struct failover_live {
	int64_t id;
	int64_t started_ms; /* 0: not known */
	size_t sum;	    /* its index in sums */
	uint8_t proto;
	uint16_t zone;
	uint32_t ct_id;
	struct endpoints tuple; /* of its original direction */
	bool is_counted;	/* false as it comes */
	bool is_idle;		/* by failover_set_idle */
	uint64_t bytes[2];	/* by enum direction, once it is counted */
};

struct failover {
	char uplink[UPLINK_NAME_MAX];
	int64_t down_ms;
	int64_t back_ms;	   /* 0: not yet */
	char cause[16];		   /* "link", "health", "operator", ...; "": unknown */
	char decision[16];	   /* "down", "drain", ...; "": none */
	char user[32];		   /* who decided; "": no user */
	char detail[96];	   /* what decided its health; "" */
	struct failover_sum *sums; /* by class; each class has one at least */
	size_t n_sums;
	struct failover_live *live; /* by id */
	size_t n_live;
};

/* The last time at at_ms or before (0: ever) that an uplink, or the one of that name,
 * left state 'up' while a daemon ran, and what became of its flows. 0 (failover_free),
 * -ENOENT: there was none, or -errno; query_error then says more. */
int query_failover(struct query *q, const char *uplink, int64_t at_ms, struct failover *out);
void failover_free(struct failover *f);

/* Move a live flow from class stranded to class idle. */
void failover_set_idle(struct failover *f, struct failover_live *l);

/* Show the flows of one class as the view flows has them, newest first; at most limit (0: all).
 * Return 0, the result of fn, or -errno. */
int query_failover_flows(struct query *q, const struct failover *f, enum failover_class c,
			 uint64_t limit, query_row_fn *fn, void *data);

#endif
