/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observe.c - feeds conntrack events and NFLOG messages to the audit. If messages or events are
 * lost, it records a gap. If events are lost, it also requests a table dump (resync.c).
 *
 * NFLOG messages are read before events if both are pending: a packet's message is older than the
 * events that the packet caused.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/adoption.h"
#include "daemon/daemon.h"
#include "daemon/live.h"
#include "daemon/observe.h"
#include "daemon/open_gap.h"
#include "daemon/publish.h"
#include "daemon/relabel.h"
#include "daemon/resync.h"
#include "daemon/log.h"
#include "waymark/audit/audit.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/ifnames.h"
#include "waymark/kernel/nflog.h"
#include "waymark/store/store.h"

#define NFLOG_BUFFER_BYTES (8u << 20)

/* Maximum number of messages that are read in one turn of the loop. */
#define BATCH 512

/* Maximum number of times that observe_drain() reads a socket. New messages can arrive as fast as
 * it reads them, and it must end. */
#define EMPTY_TURNS 256

/* Number of records that a few turns of the loop can produce. The writer counts as behind if its
 * queue has no room for more records than this. */
#define EVENTS_ROOM	   4096u
#define WRITER_PATIENCE_MS 2000
#define HOLD_NS		   2000000

/* Pending NFLOG messages are read before a DESTROY event is processed. After it they might be
 * attributed to the next flow of the same addresses. To save reads, this is done only if the
 * newest message is less than LOGGING_MS old. */
#define LOGGING_MS 1000

/* Reasons of gap alerts. */
#define EVIDENCE_LOST "evidence lost"
#define EVENTS_LOST   "events lost"

struct observe {
	int64_t last_event_ms, last_packet_ms;	    /* when the event socket and the NFLOG
						     * socket were last read */
	int64_t last_logged_ms;			    /* time of the newest NFLOG message */
	struct open_gap packets_gap;		    /* open from an overrun until the socket was
						     * read empty */
	int64_t overrun_since_ms, overrun_until_ms; /* start and end of the newest gap whose lost
						     * messages are not counted yet; 0: none */
	struct open_gap events_gap;		    /* like packets_gap, but for the event socket */
	uint64_t events_refused;		    /* number of events that did not fit into the
						     * buffer until the last gap ended */
	uint64_t events_unreadable;		    /* number of parse errors that gaps cover */
	uint64_t held_back;			    /* how often events were left unread because
						     * the writer was behind */
};

static int observe_packets(struct daemon *d);

/* Return the time to record for an event: the time when the read of its batch began. An update with
 * a TCP state gets the current time instead. It can end the flow, whose packets can be newer than
 * the start of the read, and a flow must not end before its packets. */
static int64_t event_ms(const struct daemon *d, const struct ct_event *ev)
{
	return ev->type == CT_UPDATE && ev->tcp_state ? clock_now_ms() : d->observe->last_event_ms;
}

static void take_event(void *data, const struct ct_event *ev)
{
	struct daemon *d = data;

	if (ev->type == CT_DESTROY &&
	    d->observe->last_event_ms - d->observe->last_logged_ms < LOGGING_MS)
		observe_packets(d);
	audit_ct_event(d->audit, ev, event_ms(d, ev));
}

/* Return the name of an interface. If the name is not known, the interface might be new: read the
 * pending notices of rtnetlink, and try again. */
static const char *ifname_of(struct daemon *d, uint32_t ifindex)
{
	const char *name = ifnames_get(d->ifnames, ifindex);

	if (name)
		return name;
	ifnames_receive(d->ifnames);
	name = ifnames_get(d->ifnames, ifindex);
	return name ? name : "unknown";
}

static void take_packet(void *data, const struct stray_packet *p)
{
	struct daemon *d = data;
	const struct uplink_config *u;
	const char *ifname;

	d->observe->last_logged_ms = d->observe->last_packet_ms;
	if (p->kind == STRAY_OTHER)
		return;
	ifname = ifname_of(d, p->oifindex);
	u = config_uplink_by_ifname(d->config, ifname);
	if (u)
		audit_packet(d->audit, p, u->slot, d->observe->last_packet_ms);
	else
		audit_packet_elsewhere(d->audit, p, ifname, d->observe->last_packet_ms);
}

/* --- NFLOG messages, and lost ones ------------------------------------------------ */

static const char packets_reason[] = "NFLOG messages were lost before they were read";

/* The buffer for NFLOG messages was full: open a gap, unless one is open. The socket now drops all
 * messages until it has been read empty. */
static void packets_overrun(struct daemon *d, int64_t since_ms)
{
	if (d->observe->packets_gap.id)
		return;
	publish_gap(d, EVIDENCE_LOST, "evidence lost: the buffer for NFLOG messages was full");
	d->observe->packets_gap.started_ms = since_ms;
	d->observe->packets_gap.id =
		audit_gap(d->audit, GAP_EVIDENCE, since_ms, 0, -1, packets_reason);
}

/* End the gap, because the socket is empty. The sequence number of the next message will show how
 * many messages were lost. It might come much later, so save the gap's times for
 * packets_missing(). */
static void packets_drained(struct daemon *d)
{
	d->observe->overrun_since_ms = d->observe->packets_gap.started_ms;
	d->observe->overrun_until_ms = clock_now_ms();
	audit_gap_end(d->audit, d->observe->packets_gap.id, GAP_EVIDENCE,
		      d->observe->packets_gap.started_ms, d->observe->overrun_until_ms, -1,
		      packets_reason);
	d->observe->packets_gap.id = 0;
}

/* The sequence numbers show that messages are missing: record a gap with their number. If a full
 * buffer caused the loss, the gap has the times that packets_drained() saved. */
static void packets_missing(struct daemon *d, int64_t since_ms, uint64_t holes)
{
	bool is_known = d->observe->overrun_since_ms != 0;
	char text[96];

	snprintf(text, sizeof(text),
		 "evidence lost: %" PRIu64 " NFLOG messages are missing (see 'waymark gaps')",
		 holes);
	publish_gap(d, EVIDENCE_LOST, text);
	audit_gap(d->audit, GAP_EVIDENCE, is_known ? d->observe->overrun_since_ms : since_ms,
		  is_known ? d->observe->overrun_until_ms : clock_now_ms(), (int64_t)holes,
		  packets_reason);
	d->observe->overrun_since_ms = 0;
}

static int observe_packets(struct daemon *d)
{
	int64_t before_ms = d->observe->last_packet_ms;
	uint64_t holes = 0;
	int n;

	d->observe->last_packet_ms = clock_now_ms();
	n = nflog_receive(d->nflog, take_packet, d, BATCH, &holes);
	if (holes)
		packets_missing(d, before_ms, holes);
	if (n == -ENOBUFS)
		packets_overrun(d, before_ms);
	else if (n >= 0 && n < BATCH && d->observe->packets_gap.id)
		packets_drained(d);
	return n;
}

/* --- conntrack events, and lost ones -------------------------------------------- */

static const char overrun_reason[] = "conntrack events overran the socket's buffer";

/* The buffer for events was full: request a table dump, and open a gap, unless one is open. The
 * socket now drops all events until it has been read empty. Flows that begin in the gap are found
 * by the dump, or by their DESTROY events. */
static void events_lost(struct daemon *d, int64_t since_ms)
{
	resync_ask(d, d->observe->last_event_ms);
	if (d->observe->events_gap.id)
		return;
	publish_gap(d, EVENTS_LOST,
		    "conntrack events were lost: the socket's buffer was full; a resync follows");
	d->observe->events_gap.started_ms = since_ms;
	d->observe->events_gap.id =
		audit_gap(d->audit, GAP_EVENTS, since_ms, 0, -1, overrun_reason);
}

/* End the gap, because the socket is empty. Record how many events were lost: those for which the
 * buffer had no room since the previous gap ended. */
static void events_drained(struct daemon *d)
{
	struct conntrack_stats s;
	int64_t lost;

	conntrack_stats(d->conntrack, &s);
	lost = (int64_t)(s.refused - d->observe->events_refused);
	d->observe->events_refused = s.refused;
	audit_gap_end(d->audit, d->observe->events_gap.id, GAP_EVENTS,
		      d->observe->events_gap.started_ms, clock_now_ms(), lost, overrun_reason);
	d->observe->events_gap.id = 0;
}

static void events_unreadable(struct daemon *d, int64_t since_ms, uint64_t errors)
{
	char text[96];

	snprintf(text, sizeof(text),
		 "%" PRIu64 " conntrack events could not be read (see 'waymark gaps')",
		 errors - d->observe->events_unreadable);
	publish_gap(d, "events unreadable", text);
	audit_gap(d->audit, GAP_EVENTS, since_ms, clock_now_ms(),
		  (int64_t)(errors - d->observe->events_unreadable),
		  "conntrack events could not be read");
	d->observe->events_unreadable = errors;
	resync_ask(d, d->observe->last_event_ms);
}

static int observe_events(struct daemon *d)
{
	int64_t before_ms = d->observe->last_event_ms;
	int n;

	d->observe->last_event_ms = clock_now_ms();
	n = conntrack_receive(d->conntrack, take_event, d, BATCH);
	if (n == -ENOBUFS)
		events_lost(d, before_ms);
	else if (n < 0 && n != -EAGAIN)
		log_err("cannot read conntrack events: %s", strerror(-n));
	else if (n < BATCH && d->observe->events_gap.id)
		events_drained(d);
	if (conntrack_parse_errors(d->conntrack) != d->observe->events_unreadable)
		events_unreadable(d, before_ms, conntrack_parse_errors(d->conntrack));
	if (audit_is_in_doubt(d->audit))
		observe_packets(d);
	audit_settle(d->audit, d->observe->last_event_ms);
	return n;
}

static void on_packets(void *data)
{
	observe_packets(data);
}

/* Return whether to leave events in the kernel's buffer for a moment, because the writer's queue is
 * nearly full. The buffer holds more events than the queue holds records. Do not wait for a writer
 * that makes no progress, because the audit and the alerts must continue. */
static bool is_writer_behind(struct daemon *d)
{
	int64_t now_ms = clock_now_ms();
	struct writer_stats s;

	if (writer_room(d->writer) > EVENTS_ROOM)
		return false;
	writer_stats(d->writer, &s);
	return !s.last_error && now_ms >= s.last_commit_ms &&
	       now_ms - s.last_commit_ms < WRITER_PATIENCE_MS;
}

static void on_events(void *data)
{
	struct daemon *d = data;

	observe_packets(d);
	if (is_writer_behind(d)) {
		d->observe->held_back++;
		nanosleep(&(struct timespec){.tv_nsec = HOLD_NS}, NULL);
		return;
	}
	observe_events(d);
}

static void on_names(void *data)
{
	struct daemon *d = data;

	ifnames_receive(d->ifnames);
}

/* --- for the daemon ---------------------------------------------------------------- */

void observe_tick(struct daemon *d, int64_t now_ms)
{
	resync_tick(d, now_ms);
	live_tick(d, now_ms);
	if (d->observe->packets_gap.id)
		publish_gap_goes_on(d, EVIDENCE_LOST);
	if (d->observe->events_gap.id)
		publish_gap_goes_on(d, EVENTS_LOST);
}

void observe_drain(struct daemon *d)
{
	for (int turn = 0; turn < EMPTY_TURNS && observe_packets(d) > 0; turn++)
		;
	for (int turn = 0; turn < EMPTY_TURNS && observe_events(d) > 0; turn++)
		;
}

/* --- start and stop ------------------------------------------------------------ */

static int open_failed(const char *what, const char *hint)
{
	int err = errno;

	log_err("%s: %s; %s", what, strerror(err), hint);
	return -err;
}

static void catch_up(struct daemon *d)
{
	observe_packets(d);
	observe_events(d);
}

static bool is_losing(const struct daemon *d)
{
	return d->observe->events_gap.id != 0;
}

int observe_open(struct daemon *d)
{
	static const struct resync_hooks hooks = {.catch_up = catch_up, .is_losing = is_losing};
	char what[80];

	d->observe = calloc(1, sizeof(*d->observe));
	if (!d->observe)
		return -ENOMEM;
	resync_set_hooks(d, &hooks);
	d->conntrack = conntrack_open((uint32_t)d->config->event_buffer_bytes);
	if (!d->conntrack)
		return open_failed(
			"cannot subscribe to conntrack events",
			"waymarkd needs CAP_NET_ADMIN and the kernel module nf_conntrack_netlink");
	d->nflog = nflog_open(d->config->nflog_group, NFLOG_BUFFER_BYTES);
	if (!d->nflog) {
		snprintf(what, sizeof(what), "cannot use NFLOG group %u", d->config->nflog_group);
		return open_failed(what, errno == EBUSY
						 ? "another program uses this group: choose "
						   "another nflog-group, or stop that program"
						 : "waymarkd needs CAP_NET_ADMIN and the kernel "
						   "module nfnetlink_log");
	}
	d->ifnames = ifnames_open();
	if (!d->ifnames)
		return open_failed("cannot read interface names", "waymarkd needs rtnetlink");
	return 0;
}

void observe_before(struct daemon *d, bool is_new)
{
	bool is_relabelled;

	d->observe->last_event_ms = d->observe->last_packet_ms = clock_now_ms();
	if (is_new && !d->is_ready)
		audit_set_evidence_since(d->audit, d->observe->last_event_ms);
	is_relabelled = relabel_begin(d);
	if (d->config->mode == MODE_STEER && !adoption_begin(d)) {
		resync_now(d);
		adoption_end(d);
	} else if (is_relabelled) {
		resync_now(d);
	}
	relabel_end(d);
}

int observe_start(struct daemon *d)
{
	struct resync_stats resync;
	int err;

	d->observe->last_event_ms = d->observe->last_packet_ms = clock_now_ms();
	err = loop_add(d->loop, LOOP_PACKETS, nflog_fd(d->nflog), on_packets, d);
	if (!err)
		err = loop_add(d->loop, LOOP_EVENTS, conntrack_fd(d->conntrack), on_events, d);
	if (!err)
		err = loop_add(d->loop, LOOP_NAMES, ifnames_fd(d->ifnames), on_names, d);
	resync_stats(d, &resync);
	return err || resync.last_ms ? err : resync_now(d);
}

void observe_close(struct daemon *d)
{
	ifnames_close(d->ifnames);
	nflog_close(d->nflog);
	conntrack_close(d->conntrack);
	free(d->observe);
}

void observe_stats(const struct daemon *d, struct observe_stats *out)
{
	out->last_event_ms = d->observe->last_event_ms;
	out->held_back = d->observe->held_back;
}
