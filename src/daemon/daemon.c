/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon.c - starts and stops waymarkd. To start, it first opens the modules, most of which can
 * fail, and only then changes the system. To stop, it writes the last records, removes the steering
 * unless the configuration keeps it, and then closes the modules.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/adoption.h"
#include "daemon/audit_port.h"
#include "daemon/backup.h"
#include "daemon/collisions.h"
#include "daemon/commands.h"
#include "daemon/control.h"
#include "daemon/coverage.h"
#include "daemon/daemon.h"
#include "daemon/delivery.h"
#include "daemon/diagnose.h"
#include "daemon/event_mask.h"
#include "daemon/exporter.h"
#include "daemon/flow_delete.h"
#include "daemon/flush.h"
#include "daemon/live.h"
#include "daemon/log.h"
#include "daemon/namespace_lock.h"
#include "daemon/notify.h"
#include "daemon/observe.h"
#include "daemon/operator.h"
#include "daemon/publish.h"
#include "daemon/quota.h"
#include "daemon/relabel.h"
#include "daemon/reload.h"
#include "daemon/resync.h"
#include "daemon/status.h"
#include "daemon/steer.h"
#include "daemon/store_watch.h"
#include "daemon/tamper.h"
#include "daemon/uplink_control.h"
#include "daemon/uplink_health.h"
#include "daemon/uplink_states.h"
#include "daemon/usage.h"
#include "daemon/watch.h"
#include "daemon/watchdog.h"
#include "waymark/alert/alert.h"
#include "waymark/audit/audit.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/store/store.h"
#include "waymark/talker/talker.h"

/* Size of the writer's queue, in records: enough for three seconds in which 40,000 flows per second
 * begin and end. Only queued records use memory. */
#define QUEUE_RECORDS 262144u
#define BATCH_MS      100

/* A stop writes pending flows in at most this many turns, each of which fills about half of the
 * queue. */
#define DRAIN_TURNS 256
/* How long a stop waits for a disk that does not answer, before it goes on to remove the
 * steering. */
#define DRAIN_PATIENCE_MS 2000

struct ticker {
	int signal_fd, timer_fd;
	int64_t second_ms; /* when on_second() was last called */
};

/* --- signals and time ------------------------------------------------------------ */

static void on_signal(void *data)
{
	struct daemon *d = data;
	struct signalfd_siginfo info;

	if (read(d->ticker->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGHUP:
		reload_config(d);
		break;
	default:
		log_notice("stopping: received SIG%s", info.ssi_signo == SIGINT ? "INT" : "TERM");
		loop_stop(d->loop);
	}
}

static void on_second(struct daemon *d)
{
	log_tick();
	watchdog_feed();
	publish_second(d);
	watch_second(d);
	status_second(d);
}

static void on_timer(void *data)
{
	struct daemon *d = data;
	uint64_t expirations;
	int64_t now_ms;

	if (read(d->ticker->timer_fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return;
	now_ms = clock_now_ms();
	event_mask_tick(d, now_ms);
	uplink_control_tick(d, now_ms);
	uplink_health_tick(d, now_ms);
	steer_tick(d, now_ms);
	operator_tick(d, clock_steady_ms());
	collisions_tick(d, clock_steady_ms());
	flush_tick(d);
	coverage_tick(d, now_ms);
	usage_tick(d, now_ms);
	quota_tick(d, now_ms);
	backup_tick(d, now_ms);
	observe_tick(d, now_ms);
	audit_tick(d->audit, now_ms);
	flow_delete_tick(d, now_ms);
	publish_tick(d, now_ms);
	if (now_ms - d->ticker->second_ms >= 1000 || now_ms < d->ticker->second_ms) {
		on_second(d);
		d->ticker->second_ms = now_ms;
	}
	delivery_tick(d, clock_steady_ms());
	store_watch_tick(d, clock_steady_ms());
	exporter_tick(d);
}

static void on_control(void *data)
{
	struct daemon *d = data;

	control_process(d->control);
}

static int signals_open(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	d->ticker->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->ticker->signal_fd < 0 ? -errno : 0;
}

static int timer_open(struct daemon *d)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = AUDIT_TICK_MS * 1000000L,
		.it_value.tv_nsec = AUDIT_TICK_MS * 1000000L,
	};

	d->ticker->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->ticker->timer_fd < 0 || timerfd_settime(d->ticker->timer_fd, 0, &every, NULL))
		return -errno;
	return 0;
}

/* --- modules ----------------------------------------------------------------------- */

static int loop_open(struct daemon *d)
{
	int err;

	d->ticker = calloc(1, sizeof(*d->ticker));
	if (!d->ticker)
		return -ENOMEM;
	*d->ticker = (struct ticker){.signal_fd = -1, .timer_fd = -1, .second_ms = d->started_ms};
	d->loop = loop_new();
	if (!d->loop)
		return -errno;
	err = signals_open(d);
	if (!err)
		err = timer_open(d);
	if (!err)
		err = loop_add(d->loop, LOOP_TIMER, d->ticker->timer_fd, on_timer, d);
	if (!err)
		err = loop_add(d->loop, LOOP_SIGNALS, d->ticker->signal_fd, on_signal, d);
	if (err)
		log_err("cannot set up signals and timers: %s", strerror(-err));
	return err;
}

static int store_start(struct daemon *d)
{
	struct log_capture *errors = log_capture();
	int err;

	d->store = store_open_or_renew(d->config->database, log_capture_file(errors));
	err = d->store ? 0 : -errno;
	log_release(errors, LOG_LEVEL_ERR);
	return err;
}

static int control_start(struct daemon *d)
{
	int err;

	d->control = control_open(d->config->control_socket, commands_answer, d);
	if (!d->control) {
		err = -errno;
		log_err("cannot listen at %s: %s (choose another control-socket, or stop the "
			"daemon that listens there)",
			d->config->control_socket, strerror(-err));
		return err;
	}
	control_set_judge(d->control, commands_may);
	return loop_add(d->loop, LOOP_CONTROL, control_fd(d->control), on_control, d);
}

static int preload_flow(void *data, const struct flow_record *f)
{
	return audit_preload(data, f);
}

static int audit_start(struct daemon *d)
{
	struct audit_ids ids = {
		.flow = store_last_flow_id(d->store),
		.mismatch = store_last_mismatch_id(d->store),
		.gap = store_last_gap_id(d->store),
	};
	struct audit_port port;
	int err;

	audit_port_fill(d, &port);
	d->audit = audit_new(&port, &ids, d->config->max_flows);
	if (!d->audit)
		return -errno;
	err = store_each_live(d->store, preload_flow, d->audit);
	if (err)
		log_err("cannot read the live flows from the history: %s", strerror(-err));
	return err;
}

/* Return the size of the writer's queue. Tests set a small size, so that they can fill the
 * queue. */
static uint32_t queue_records(void)
{
	const char *text = getenv("WAYMARK_QUEUE_RECORDS");
	unsigned long n = text ? strtoul(text, NULL, 10) : 0;

	return n > 0 && n < QUEUE_RECORDS ? (uint32_t)n : QUEUE_RECORDS;
}

/* Start the writer, which owns the store from now on. */
static int writer_open(struct daemon *d)
{
	bool was_clean;
	int64_t alive_ms = store_last_alive_ms(d->store, &was_clean);
	int err;

	d->writer = writer_start(d->store, queue_records(), BATCH_MS);
	if (!d->writer)
		return -errno;
	reload_retention(d);
	err = audit_set_config(d->audit, d->config, d->started_ms);
	if (!err && alive_ms)
		audit_gap(d->audit, GAP_DAEMON, alive_ms, d->started_ms, -1,
			  was_clean ? "the daemon was stopped" : "the daemon died");
	return err;
}

/* Start the log's thread, the first thread of the process. */
static int log_thread_start(struct daemon *d)
{
	(void)d;
	if (log_start())
		log_warning("cannot start the log thread; a slow reader of standard error may "
			    "delay waymarkd");
	return 0;
}

/* Connect modules by the hooks that they offer. */
static int hooks_set(struct daemon *d)
{
	static const struct resync_hooks hooks = {.done = coverage_look};

	resync_set_hooks(d, &hooks);
	steer_set_midway(d, observe_before);
	uplink_states_set_explain(d, uplink_health_explain);
	return 0;
}

/* log_thread_start() starts the first thread. steer_open() must run before it, because steer_open()
 * forks the launcher of transactions. steer_start() is the first step that changes the system. */
static int (*const start_steps[])(struct daemon *) = {
	uplink_states_open,  steer_open,	 log_thread_start, loop_open,
	delivery_open,	     operator_open,	 collisions_open,  watch_open,
	diagnose_open,	     adoption_open,	 relabel_open,	   live_open,
	resync_open,	     observe_open,	 flush_open,	   backup_open,
	flow_delete_open,    tamper_open,	 status_open,	   hooks_set,
	store_watch_open,    store_start,	 publish_open,	   control_start,
	namespace_lock_open, exporter_open,	 audit_start,	   coverage_open,
	quota_open,	     usage_open,	 writer_open,	   event_mask_open,
	uplink_control_open, uplink_health_open, steer_start,	   tamper_start,
	observe_start,
};

struct daemon *daemon_start(struct config *c, struct talker *t)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int err = d ? 0 : -ENOMEM;

	if (!d) {
		config_free(c);
		talker_free(t);
		errno = ENOMEM;
		return NULL;
	}
	d->config = c;
	d->talker = t;
	d->started_ms = clock_now_ms();
	d->started_steady_ms = clock_steady_ms();
	for (size_t i = 0; !err && i < sizeof(start_steps) / sizeof(start_steps[0]); i++)
		err = start_steps[i](d);
	if (err) {
		daemon_stop(d);
		errno = -err;
		return NULL;
	}
	return d;
}

int daemon_run(struct daemon *d)
{
	struct event_mask_stats mask;
	struct conntrack_stats cs;
	struct audit_stats as;

	audit_stats(d->audit, &as);
	event_mask_stats(d, &mask);
	conntrack_stats(d->conntrack, &cs);
	if (cs.buffer_bytes < d->config->event_buffer_bytes)
		log_warning("event-buffer: the kernel grants %" PRIu32 " KiB instead of %" PRIu64
			    " KiB (run waymarkd as root outside user namespaces, or raise "
			    "net.core.rmem_max)",
			    cs.buffer_bytes / 1024, d->config->event_buffer_bytes / 1024);
	log_notice("ready: mode %s, %zu uplinks, %" PRIu32 " flows live, %s events, event buffer "
		   "%" PRIu32 " KiB",
		   config_mode_name(d->config->mode), d->config->n_uplinks, as.live,
		   mask.is_minimal ? "minimal" : "full", cs.buffer_bytes / 1024);
	d->is_ready = true;
	if (watchdog_start(d->loop))
		log_warning("cannot start the watchdog thread; a stalled event loop is not logged");
	notify_send("READY=1\nSTATUS=steering and observing");
	return loop_run(d->loop);
}

/* Write to the history what is still in the sockets and in the audit. */
static void drain(struct daemon *d)
{
	observe_drain(d);
	for (int turn = 0; turn < DRAIN_TURNS && audit_flush(d->audit, clock_now_ms()); turn++)
		if (!writer_flush_within(d->writer, DRAIN_PATIENCE_MS))
			break;
}

/* Close the history. If the disk does not answer, leave the history open. The next start then finds
 * that the history was not closed, and records a gap. */
static void history_close(struct daemon *d)
{
	struct writer_stats stats = {.depth = 0};
	const char *cause;
	int n_lost = 0;

	if (d->writer) {
		writer_stats(d->writer, &stats);
		n_lost = writer_stop(d->writer, d->is_ready, clock_now_ms());
	}
	if (n_lost < 0) {
		writer_stats(d->writer, &stats);
		log_err("the disk of the history does not answer: %" PRIu32 " records are lost",
			stats.depth);
		return;
	}
	cause = store_failure_cause(&stats, clock_steady_ms());
	if (n_lost > 0)
		log_err("cannot write the history: %s; %d records are lost",
			cause ? cause : "its writer was stopped", n_lost);
	store_close(d->store);
}

static void loop_close(struct daemon *d)
{
	watchdog_stop();
	loop_free(d->loop);
	if (!d->ticker)
		return;
	if (d->ticker->timer_fd >= 0)
		close(d->ticker->timer_fd);
	if (d->ticker->signal_fd >= 0)
		close(d->ticker->signal_fd);
	free(d->ticker);
}

/* Each close function also works if its module was never opened. */
static void modules_close(struct daemon *d)
{
	static void (*const steps[])(struct daemon *) = {
		uplink_health_close, uplink_control_close, operator_close,	collisions_close,
		status_close,	     tamper_close,	   flow_delete_close,	flush_close,
		backup_close,	     steer_close,	   uplink_states_close, resync_close,
		live_close,	     observe_close,	   relabel_close,	adoption_close,
		diagnose_close,	     coverage_close,	   event_mask_close,	publish_close,
		delivery_close,	     watch_close,	   store_watch_close,	usage_close,
		quota_close,	     namespace_lock_close, loop_close,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		steps[i](d);
}

void daemon_stop(struct daemon *d)
{
	notify_send("STOPPING=1");
	if (d->is_ready) {
		if (d->config->on_stop == ON_STOP_KEEP)
			steer_settle(d);
		tamper_stop(d);
		drain(d);
		publish_stop(d, clock_now_ms());
		coverage_stop(d);
		usage_write(d, clock_now_ms());
		steer_stop(d);
	}
	exporter_close(d);
	delivery_stop(d);
	/* Free the alerter and the talker before the writer stops, because their last records and
	 * acknowledgements go to the writer. */
	alerter_free(d->alerter);
	d->alerter = NULL;
	talker_free(d->talker);
	history_close(d);
	audit_free(d->audit);
	control_close(d->control);
	modules_close(d);
	config_free(d->config);
	free(d);
}
