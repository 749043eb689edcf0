/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - the rows of the history as structs. The audit and the daemon emit records, the
 * store writes them to the database, and the alerts report them.
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

/* The states of a flow. FLOW_LOST: its conntrack entry disappeared without a DESTROY event.
 * FLOW_CLOSED: the TCP connection has ended, but its conntrack entry still exists; the final
 * counters arrive when the kernel removes the entry. The numbers are stored and must not change. */
enum flow_state { FLOW_LIVE = 0, FLOW_ENDED = 1, FLOW_LOST = 2, FLOW_CLOSED = 3 };

#define SLOT_NONE 0xff

/* If flows leave by an interface that is no uplink, the audit gives the interface a number. The
 * numbers begin with 1 and are valid in this process only. All interfaces for which no number is
 * left share the number INTERFACE_REST. */
#define INTERFACES_MAX 64
#define INTERFACE_REST (INTERFACES_MAX - 1)

/* A flow. Times are milliseconds of CLOCK_REALTIME; 0: unknown, or the event has not happened
 * yet. */
struct flow_record {
	int64_t id; /* Waymark's number of the flow; assigned by the audit, ascending, never
		     * reused */
	int64_t started_ms, ended_ms;
	enum flow_state state;
	uint8_t proto;
	uint16_t zone;
	uint32_t ct_id;
	struct endpoints tuple[2]; /* by enum direction; if the flow has NAT, the reply tuple does
				    * not mirror the original tuple */
	uint32_t mark;		   /* the bits under mark-mask */
	uint8_t uplink;		   /* slot of the uplink that the mark names, or SLOT_NONE */
	uint8_t ingress;	   /* slot of the uplink that the flow entered by, or SLOT_NONE */
	uint64_t egress[2];	   /* by enum direction; bit n: packets left by the uplink in
				    * slot n */
	uint64_t other_egress[2];  /* by enum direction; bit n: packets left by interface n
				    * (RECORD_INTERFACE) */
	enum verdict verdict;
	enum reason reason;
	bool has_counters;
	uint64_t packets[2], bytes[2];
};

/* Size of a buffer for a rule or route as text, written as ip(8) writes it. */
#define OBJECT_MAX 96

struct mismatch_record {
	/* ascending; a later record with the same id replaces the earlier one */
	int64_t id;
	int64_t time_ms;
	int64_t flow_id;
	uint8_t proto;
	struct endpoints tuple;	  /* endpoints of the flow's original direction */
	enum direction direction; /* direction of the stray packet */
	uint32_t mark;		  /* the bits under mark-mask */
	uint8_t expected;	  /* slot of the uplink that the mark names, or SLOT_NONE */
	uint8_t egress;		  /* slot of the uplink that the packet left by, or SLOT_NONE */
	/* number of the interface that the packet left by (RECORD_INTERFACE); 0: unknown, or the
	 * interface is an uplink */
	uint16_t other_egress;
	enum reason reason;
	enum evidence evidence;
	uint64_t packets;	 /* number of stray packets that were seen; a lower bound */
	char object[OBJECT_MAX]; /* the rule or route that misdirected the packet; "": unknown */
};

struct gap_record {
	/* ascending; when ended_ms or `lost` changes, the record is emitted again with the same
	 * id */
	int64_t id;
	int64_t started_ms, ended_ms; /* ended_ms 0: the gap has not ended */
	enum gap_source source;
	int64_t lost; /* number of lost messages; -1: unknown */
	char reason[96];
};

struct mark_change_record {
	int64_t time_ms;
	int64_t flow_id;
	uint32_t old_mark, new_mark; /* the bits under mark-mask */
};

struct tampering_record {
	int64_t time_ms;
	char what[160];	  /* what was changed: "rule fwmark 0x2 deleted", ... */
	int64_t pid;	  /* the process that made the change; 0: unknown */
	char process[32]; /* name of that process; "": unknown */
	char action[32];  /* what waymarkd did about the change: "restored", "gave-up", "noticed"
			   * (not repaired) */
};

/* A number of packets, and the sum of their bytes. Rules and conntrack count the bytes from the IP
 * header on; interfaces count link-layer headers, too. */
struct tally {
	uint64_t packets, bytes;
};

/* Numbers of flows from inside, which Waymark's nftables rules count per uplink and family. A flow
 * counts as started when its first packet leaves by the uplink, and as answered when its first
 * reply arrives by the uplink. */
struct flow_counts {
	uint64_t flows_started, flows_answered;
};
enum counted_family { COUNTED_IPV4, COUNTED_IPV6, COUNTED_FAMILIES };

/* The counters that Waymark's nftables rules keep per uplink (ruleset.h). */
enum rule_count {
	RULE_OUT, /* packets that belong to a flow */
	/* packets that belong to no flow: a notrack rule matched, or conntrack refused them */
	RULE_UNTRACKED,
	RULE_NEIGHBOURS, /* packets of neighbour discovery, which are not user traffic */
	RULE_COUNTS,
};

/* The packets that an uplink's flows sent by this uplink are counted in several shares. The share
 * of a flow depends on what shows that its packets left by this uplink. */
enum flow_share {
	SHARE_SEEN,	 /* evidence shows the egress */
	SHARE_PREDATING, /* only the mark shows the egress, because the flow began before evidence
			  * was collected */
	SHARE_OFFLOADED, /* the flow is offloaded: evidence or the mark shows the egress, but most
			  * packets skip the rules */
	SHARE_GAP,	 /* only the mark shows the egress, because evidence may have been lost */
	/* also counted in SHARE_SEEN: packets of flows that left by several uplinks. It is unknown
	 * how many packets of such a flow left by each uplink */
	SHARE_SPLIT,
	FLOW_SHARES,
};

/* The counters of an uplink at one time. The next interval begins with this reading, even if
 * waymarkd is restarted in between. After a restart, the sums of ended flows begin at 0 again.
 * Therefore these sums are subtracted from `flows` before a reading is stored, and `flows` of a
 * stored reading can wrap below 0. */
struct coverage_reading {
	int64_t time_ms;  /* 0: the counters have not been read yet */
	uint64_t boot;	  /* identifies the boot of the kernel; after another boot, the counters
			   * begin at 0 */
	uint64_t table;	  /* identifies the nftables table that counted; 0: the table was
			   * missing */
	uint32_t ifindex; /* 0: the interface was missing */
	struct tally link;
	struct tally rules[RULE_COUNTS];
	struct tally flows[FLOW_SHARES];
};

/* How many packets left by an uplink in an interval, and how many of them the flows of the history
 * account for. */
struct coverage_record {
	uint8_t slot;
	/* started_ms 0: the record describes no interval; only `slot` and `reading` are valid */
	int64_t started_ms, ended_ms;
	bool has_link;	    /* `link` is known */
	bool has_left;	    /* `left` is known */
	bool is_whole;	    /* Waymark's rules existed and counted during the whole
				       * interval */
	bool has_gap;	    /* events or evidence may have been lost */
	bool has_uncounted; /* flows without counters existed in the interval */
	/* by enum flow_share: a flow of this share vanished in the interval without a DESTROY
	 * event */
	bool has_lost[FLOW_SHARES];
	/* what the interface counted as sent: frames, including ARP */
	struct tally link;
	struct tally left;    /* RULE_OUT and RULE_UNTRACKED, plus `skipped` */
	struct tally skipped; /* packets that only the interface counted, because they did not pass
			       * the rules */
	struct tally rules[RULE_COUNTS];
	struct tally flows[FLOW_SHARES];
	/* one of the packets that RULE_UNTRACKED counted; "": none was logged */
	char untracked_example[ENDPOINTS_STRLEN];
	/* number of UDP answers of this host with a wrong source address: the request was sent to
	 * another address of this host */
	uint64_t unasked;
	char unasked_example[ENDPOINTS_STRLEN];
	struct coverage_reading reading; /* the counters at the end of the interval */
};

/* A flow whose conntrack entry waymarkd deleted. */
struct deleted_flow_record {
	int64_t time_ms;
	int64_t flow_id, mismatch_id;
	const char *action; /* "deleted" or "returned" (backup.h); a string constant */
};

/* An uplink of struct uplinks_record. */
struct uplink_record {
	uint8_t slot;
	char name[UPLINK_NAME_MAX];
	char ifname[IFNAMSIZ];
	uint32_t mark;
};
/* The uplinks that are configured from time_ms on. If an uplink differs from its row in the
 * history, the writer ends the validity of this row and adds a new row. */
struct uplinks_record {
	int64_t time_ms;
	int64_t flow_id; /* the last flow before the change; later flows have these uplinks */
	uint8_t n;
	struct uplink_record *uplinks; /* malloc'd; the writer frees it */
};

/* The number and the name of an interface that is no uplink. Emitted once, before the first record
 * that uses the number. */
struct interface_record {
	uint16_t number; /* 1 to INTERFACE_REST */
	char name[IFNAMSIZ];
};

/* A new state of an uplink. When waymarkd has started, the first record of each uplink has the
 * state that waymarkd found. */
struct uplink_state_record {
	int64_t time_ms;
	uint8_t slot;
	char state[16]; /* see uplink_state_name() */
	enum state_cause cause;
	char decision[16];   /* what waymarkd or a user decided: "down", "drain", "alert", ...;
			      * "": nothing */
	char user[32];	     /* the user who made or ended the decision; "": no user did */
	char process[32];    /* the process that sent the user's command; "": unknown, or no user */
	int64_t until_ms;    /* when the decision expires; 0: never */
	char addresses[128]; /* the addresses of the uplink's interface, comma-separated */
};

/* The traffic of an uplink in a bin of five minutes, from the kernel's counters. If several records
 * describe the same bin, the writer adds them up. The writer stores the reading together with the
 * bin, so that waymarkd counts nothing twice after a restart. */
#define USAGE_BIN_MS INT64_C(300000)
struct usage_reading {
	int64_t time_ms;	     /* 0: the counters have not been read yet */
	uint64_t boot;		     /* identifies the boot of the kernel */
	uint64_t table;		     /* identifies the nftables table that counted; 0: the table
				      * was missing */
	uint32_t ifindex;	     /* 0: the interface was missing */
	struct tally sent, received; /* as the interface counted them */
	struct flow_counts flows;    /* as Waymark's rules counted them */
};
struct usage_record {
	int64_t time_ms; /* any time within the bin */
	uint8_t slot;
	struct tally sent, received;
	struct flow_counts flows;
	/* the counters at the end of the time that this record covers; the next record begins with
	 * them. reading.time_ms 0: there is no reading */
	struct usage_reading reading;
};

/* The measurements from which an uplink's health was judged. A negative number means unknown. */
struct health_record {
	int64_t time_ms;
	uint8_t slot;
	uint8_t family; /* AF_INET, AF_INET6; 0: both */
	char state[16]; /* "healthy", "degraded", "silent", "idle" */
	int64_t window_ms;
	struct flow_counts flows; /* flows that began or were answered in the window */
	int32_t normal_permille;  /* how many of 1000 flows of this uplink are normally answered */
	/* the largest ratio between the current and the normal share of answered flows of another
	 * uplink, times 1000 */
	int32_t others_permille;
	/* of a bad state, the time of the last answer or of the first failed check; 0: unknown */
	int64_t began_ms;
	int32_t probes, probes_answered; /* number of runs of the check program (health { exec }),
					  * and how many of them succeeded */
	char text[96];			 /* an explanation for users; may be "" */
};

/* A message of the alerter (an alert was raised, summarized or is over), or a silence of alerts
 * that a user began or ended (kind "silence"). */
struct alert_record {
	int64_t time_ms;
	char kind[16];			       /* see alert_kind_name(); or "silence" */
	char severity[12];		       /* "critical", "warning", "notice" */
	char state[12];			       /* "raised", "summary", "over" */
	char uplinks[2 * UPLINK_NAME_MAX + 1]; /* names, comma-separated; "": no uplink */
	char reason[48];		       /* "": none */
	uint64_t count;			       /* number of equal alerts that this message
					        * reports */
	char text[256];
};

/* An alert that the webhook has not delivered yet. The alert is stored, so that it survives a
 * restart of waymarkd. */
struct outbox_record {
	int64_t id; /* assigned by the daemon, ascending */
	int64_t time_ms;
	char *line; /* the body to send, malloc'd; the writer frees it. NULL in a
		     * RECORD_OUTBOX_DONE */
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
	RECORD_OUTBOX_DONE, /* the alert with this id was delivered or dropped: remove it */
	RECORD_COVERAGE,
	RECORD_UPLINK_STATE, /* emitted after the RECORD_UPLINKS that names its slot */
	RECORD_INTERFACE,
	RECORD_USAGE,
	RECORD_HEALTH,
	RECORD_ALERT,
};

struct record {
	enum record_type type;
	int64_t event_ms; /* when the reported event was read from the kernel; 0: unknown */
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

/* Free the memory that the record owns. */
void record_clear(const struct record *r);

#endif
