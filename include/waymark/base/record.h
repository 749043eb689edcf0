/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - rows of the history, typed. The audit and the daemon emit them, the
 * store writes them, the alerts report them.
 */
#ifndef WAYMARK_BASE_RECORD_H
#define WAYMARK_BASE_RECORD_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/addr.h"
#include "waymark/base/uplinks.h"
#include "waymark/base/event.h"
#include "waymark/base/words.h"

/* Stored; the numbers do not change. FLOW_CLOSED: the TCP connection has ended, and the
 * kernel still has its entry; the counters come with the entry's end. */
enum flow_state { FLOW_LIVE = 0, FLOW_ENDED = 1, FLOW_LOST = 2, FLOW_CLOSED = 3 };

#define SLOT_NONE 0xff

/* Interfaces that are no uplink and that flows left by are numbered from 1 by the audit
 * of this process; INTERFACE_REST stands for all interfaces beyond the limit. */
#define INTERFACES_MAX 64
#define INTERFACE_REST (INTERFACES_MAX - 1)

/* Times are milliseconds of CLOCK_REALTIME; 0 is "not known" or "not yet". */
struct flow_record {
	int64_t id; /* ours: one per flow, ever; given by the audit, ascending */
	int64_t started_ms, ended_ms;
	enum flow_state state;
	uint8_t proto;
	uint16_t zone;
	uint32_t ct_id;
	struct endpoints tuple[2]; /* NAT shows as reply not mirroring original */
	uint32_t mark;		   /* masked */
	uint8_t uplink;		   /* slot that the mark names, or SLOT_NONE */
	uint8_t ingress;	   /* slot it came in by, or SLOT_NONE */
	uint64_t egress[2];	   /* bit n: slot n; by enum direction */
	uint64_t other_egress[2];  /* bit n: interface n (RECORD_INTERFACE), no uplink's */
	enum verdict verdict;
	enum reason reason;
	bool has_counters;
	uint64_t packets[2], bytes[2];
};

/* Room for a rule or route as ip names it. */
#define OBJECT_MAX 96

struct mismatch_record {
	int64_t id; /* ours, ascending; written again with the same id to update */
	int64_t time_ms;
	int64_t flow_id;
	uint8_t proto;
	struct endpoints tuple;	  /* the flow's original direction */
	enum direction direction; /* of the packet that left wrongly */
	uint32_t mark;		  /* masked */
	uint8_t expected;	  /* slot that the mark names, or SLOT_NONE */
	uint8_t egress;		  /* slot that it left by, or SLOT_NONE */
	uint16_t other_egress;	  /* else the interface's number (RECORD_INTERFACE); or 0 */
	enum reason reason;
	enum evidence evidence;
	uint64_t packets;	 /* that evidence was seen of; a lower bound */
	char object[OBJECT_MAX]; /* the rule or route that led it there; "": not known */
};

struct gap_record {
	int64_t id;		      /* ours, ascending; written again to set ended_ms or lost */
	int64_t started_ms, ended_ms; /* ended_ms 0: still open */
	enum gap_source source;
	int64_t lost; /* a count, or -1: not known */
	char reason[96];
};

struct mark_change_record {
	int64_t time_ms;
	int64_t flow_id;
	uint32_t old_mark, new_mark; /* masked */
};

struct tampering_record {
	int64_t time_ms;
	char what[160];	  /* "rule fwmark 0x2 deleted", ... */
	int64_t pid;	  /* 0: not known */
	char process[32]; /* "": not known */
	char action[32];  /* "restored", "gave-up", "noticed" */
};

/* Packets, and their bytes from the IP header on. */
struct tally {
	uint64_t packets, bytes;
};

/* Flows from inside, counted by our rules per uplink and family: started when the first
 * packet leaves by the uplink, answered when the first reply arrives by it. */
struct flow_counts {
	uint64_t flows_started, flows_answered;
};
enum counted_family { COUNTED_IPV4, COUNTED_IPV6, COUNTED_FAMILIES };

/* Counters that our rules keep per uplink (ruleset.h). */
enum rule_count {
	RULE_OUT,	 /* of flows */
	RULE_UNTRACKED,	 /* of no flow: notrack, or conntrack refused the packet */
	RULE_NEIGHBOURS, /* neighbour discovery: the link's own, no traffic */
	RULE_COUNTS,
};

/* Packets of flows by how it is known that they left by the uplink. */
enum flow_share {
	SHARE_SEEN,	 /* by evidence */
	SHARE_PREDATING, /* by the mark alone: the flow began before there was evidence */
	SHARE_OFFLOADED, /* by the mark alone: its packets skip the rules */
	SHARE_GAP,	 /* by the mark alone: evidence may have been lost */
	SHARE_SPLIT,	 /* some of those seen: the flow left by others, too, and which packets
			  * went where is not known */
	FLOW_SHARES,
};

/* The counters of an uplink at a time: the next interval begins there, also after a restart.
 * Flows' sums may be below 0, because they counted flows that have ended since. */
struct coverage_reading {
	int64_t time_ms;  /* 0: never read */
	uint64_t boot;	  /* which run of the kernel, so that counters can go on */
	uint64_t table;	  /* which of its tables was ours; 0: there was none */
	uint32_t ifindex; /* 0: there was no such interface */
	struct tally link;
	struct tally rules[RULE_COUNTS];
	struct tally flows[FLOW_SHARES];
};

/* How much left by an uplink in an interval, and how much of it the flows of the
 * history account for. */
struct coverage_record {
	uint8_t slot;
	int64_t started_ms, ended_ms; /* started_ms 0: no interval, the reading alone */
	bool has_link;		      /* link is known */
	bool has_left;		      /* left is known */
	bool is_whole;		      /* the rules were there all the time, and counted */
	bool has_gap;		      /* something may have been missed */
	bool has_uncounted;	      /* flows without counters lived in it */
	bool has_lost[FLOW_SHARES];   /* flows of this share vanished in it */
	struct tally link;	      /* what the interface sent: frames, with ARP */
	struct tally left;    /* what left, by the rules, or by the link where they missed it */
	struct tally skipped; /* part of left: not seen by the rules */
	struct tally rules[RULE_COUNTS];
	struct tally flows[FLOW_SHARES];
	char untracked_example[ENDPOINTS_STRLEN]; /* of RULE_UNTRACKED; "": none was seen */
	uint64_t unasked; /* UDP answers from an address that was not asked */
	char unasked_example[ENDPOINTS_STRLEN];
	struct coverage_reading reading; /* at its end */
};

/* A flow that was taken out of the kernel's table because of a mismatch. */
struct deleted_flow_record {
	int64_t time_ms;
	int64_t flow_id, mismatch_id;
	const char *action; /* "deleted"; a constant */
};

/* The uplinks from now on: the writer closes validity of those that changed. */
struct uplink_record {
	uint8_t slot;
	char name[UPLINK_NAME_MAX];
	char ifname[IFNAMSIZ];
	uint32_t mark;
};
struct uplinks_record {
	int64_t time_ms;
	int64_t flow_id; /* of the last flow before; those after it have these names */
	uint8_t n;
	struct uplink_record *uplinks; /* malloc'd; the writer frees it */
};

/* An interface that is no uplink: what its number stands for. Emitted once before the
 * first record that has the number. */
struct interface_record {
	uint16_t number; /* 1 to INTERFACE_REST */
	char name[IFNAMSIZ];
};

/* The new state of an uplink; the first after a start: the state that was found. */
struct uplink_state_record {
	int64_t time_ms;
	uint8_t slot;
	char state[16]; /* uplink_state_name() */
	enum state_cause cause;
	char decision[16];   /* what follows from it: "down", "drain", "alert", ...; "": nothing */
	char user[32];	     /* who decided; "": no user, it was observed */
	char process[32];    /* by which process; "": not known */
	int64_t until_ms;    /* the decision ends by itself; 0: it does not */
	char addresses[128]; /* that the uplink's interface had, comma-separated */
};

/* What an uplink carried in a bin of five minutes, by the kernel's counters. A bin may
 * come in parts, also across a restart: the writer adds them up, and keeps the reading
 * with them, so that the next daemon counts nothing twice. */
#define USAGE_BIN_MS INT64_C(300000)
struct usage_reading {
	int64_t time_ms;	     /* 0: never read */
	uint64_t boot;		     /* which run of the kernel */
	uint64_t table;		     /* which of its tables was ours; 0: there was none */
	uint32_t ifindex;	     /* 0: there was no such interface */
	struct tally sent, received; /* by the interface */
	struct flow_counts flows;    /* by our rules */
};
struct usage_record {
	int64_t time_ms; /* any moment of the bin */
	uint8_t slot;
	struct tally sent, received;
	struct flow_counts flows;
	struct usage_reading reading; /* what is counted next begins here; time_ms 0: not said */
};

/* The measurements that an uplink's health was judged by. Numbers below 0: unknown. */
struct health_record {
	int64_t time_ms;
	uint8_t slot;
	uint8_t family; /* AF_INET, AF_INET6; 0: both */
	char state[16]; /* "healthy", "degraded", "silent", "idle" */
	int64_t window_ms;
	struct flow_counts flows;	 /* in the window */
	int32_t normal_permille;	 /* the uplink's own answered share otherwise */
	int32_t others_permille;	 /* the other uplinks' at the same time */
	int32_t handshake_ms;		 /* p50 of TCP handshakes */
	int32_t probes, probes_answered; /* of the program of health { exec } */
	char text[96];			 /* for people; "" */
};

/* An alert as it was raised, summarized or ended. */
struct alert_record {
	int64_t time_ms;
	char kind[16];			       /* alert_kind_name() */
	char severity[12];		       /* "critical", "warning", "notice" */
	char state[12];			       /* "raised", "summary", "over" */
	char uplinks[2 * UPLINK_NAME_MAX + 1]; /* names, separated by commas; "" */
	char reason[48];		       /* "" */
	uint64_t count;			       /* events that it stands for */
	char text[256];
};

/* An alert that waits for the webhook, in the history so that it outlives a restart. */
struct outbox_record {
	int64_t id; /* ours, ascending */
	int64_t time_ms;
	char *line; /* malloc'd; the writer frees it. NULL with RECORD_OUTBOX_DONE */
};

enum record_type {
	RECORD_FLOW,
	RECORD_MISMATCH,
	RECORD_GAP,
	RECORD_MARK_CHANGE,
	RECORD_TAMPERING,
	RECORD_DELETED_FLOW,
	RECORD_UPLINKS,
	RECORD_OUTBOX_ADD,
	RECORD_OUTBOX_DONE, /* it needs no keeping any more; by id */
	RECORD_COVERAGE,
	RECORD_UPLINK_STATE, /* after the RECORD_UPLINKS that names its slot */
	RECORD_INTERFACE,
	RECORD_USAGE,
	RECORD_HEALTH,
	RECORD_ALERT,
};

struct record {
	enum record_type type;
	int64_t event_ms; /* when the event that it reports was read; 0: not known */
	union {
		struct flow_record flow;
		struct mismatch_record mismatch;
		struct gap_record gap;
		struct mark_change_record mark_change;
		struct tampering_record tampering;
		struct deleted_flow_record deleted_flow;
		struct uplinks_record uplinks;
		struct outbox_record outbox;
		struct coverage_record *coverage; /* malloc'd; the writer frees it */
		struct uplink_state_record uplink_state;
		struct interface_record interface;
		struct usage_record usage;
		struct health_record health;
		struct alert_record *alert; /* malloc'd; the writer frees it */
	};
};

/* Frees what the record owns. */
void record_clear(const struct record *r);

#endif
