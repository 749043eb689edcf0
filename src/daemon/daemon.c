/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon.c - start and stop. Start opens everything that can be refused before
 * it changes anything; stop mirrors it.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/notify.h"

/* Room for three seconds of 40,000 flows that begin and end; memory is held for what
 * waits alone. */
#define QUEUE_RECORDS 262144u
#define BATCH_MS      100

/* Turns in which the flows that wait are written at a stop, half a queue each. */
#define DRAIN_TURNS 256

/* --- signals and time ------------------------------------------------------------ */

static void on_signal(void *data)
{
	struct daemon *d = data;
	struct signalfd_siginfo info;

	if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGHUP:
		daemon_reload(d);
		break;
	case SIGCHLD:
		alerter_tick(d->alerter, clock_now_ms());
		break;
	default:
		log_notice("stopping on %s", sigabbrev_np((int)info.ssi_signo));
		loop_stop(d->loop);
	}
}

static void on_timer(void *data)
{
	struct daemon *d = data;
	uint64_t expirations;
	int64_t now_ms;

	if (read(d->timer_fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return;
	now_ms = clock_now_ms();
	event_mask_tick(d, now_ms);
	steer_tick(d, now_ms);
	flush_tick(d);
	coverage_tick(d, now_ms);
	observe_tick(d, now_ms);
	audit_tick(d->audit, now_ms);
	flow_delete_tick(d, now_ms);
	publish_tick(d, now_ms);
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
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signal_fd < 0 ? -errno : 0;
}

static int timer_open(struct daemon *d)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = AUDIT_TICK_MS * 1000000L,
		.it_value.tv_nsec = AUDIT_TICK_MS * 1000000L,
	};

	d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->timer_fd < 0 || timerfd_settime(d->timer_fd, 0, &every, NULL))
		return -errno;
	return 0;
}

/* --- modules ----------------------------------------------------------------------- */

static int loop_open(struct daemon *d)
{
	int err;

	d->loop = loop_new();
	if (!d->loop)
		return -errno;
	err = signals_open(d);
	if (!err)
		err = timer_open(d);
	if (!err)
		err = loop_add(d->loop, 4, d->timer_fd, on_timer, d);
	if (!err)
		err = loop_add(d->loop, 5, d->signal_fd, on_signal, d);
	if (err)
		log_err("cannot set up signals and timers: %s", strerror(-err));
	return err;
}

static int store_start(struct daemon *d)
{
	struct log_capture *errors = log_capture();
	int err;

	d->store = store_open(d->config->database, log_capture_file(errors));
	err = d->store ? 0 : -errno;
	log_release(errors, LOG_LEVEL_ERR);
	return err;
}

static int control_start(struct daemon *d)
{
	int err;

	d->control = control_open(d->config->control_socket, status_answer, d);
	if (!d->control) {
		err = -errno;
		log_err("cannot listen at %s: %s; choose another control-socket, or stop the "
			"daemon "
			"that answers there",
			d->config->control_socket, strerror(-err));
		return err;
	}
	return loop_add(d->loop, 6, control_fd(d->control), on_control, d);
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

	publish_port(d, &port);
	d->audit = audit_new(&port, &ids, d->config->max_flows);
	if (!d->audit)
		return -errno;
	err = store_each_live(d->store, preload_flow, d->audit);
	if (err)
		log_err("cannot read the live flows of the history: %s", strerror(-err));
	return err;
}

/* From here on the store belongs to the writer. */
static int writer_open(struct daemon *d)
{
	bool was_clean;
	int64_t alive_ms = store_last_alive_ms(d->store, &was_clean);
	int err;

	d->writer = writer_start(d->store, QUEUE_RECORDS, BATCH_MS);
	if (!d->writer)
		return -errno;
	writer_set_retention(d->writer, d->config->retention_s, d->config->max_size_bytes);
	err = audit_set_config(d->audit, d->config, d->started_ms);
	if (!err && alive_ms)
		audit_gap(d->audit, GAP_DAEMON, alive_ms, d->started_ms, -1,
			  was_clean ? "the daemon was stopped" : "the daemon died");
	return err;
}

/* In the order of the data's way; the steering is the first to change anything. */
static int (*const start_steps[])(struct daemon *) = {
	loop_open,	  collisions_tell, observe_open,  steer_open,	 tamper_open,	store_start,
	publish_open,	  control_start,   exporter_open, audit_start,	 coverage_open, writer_open,
	event_mask_start, steer_start,	   tamper_start,  observe_start,
};

struct daemon *daemon_start(struct config *c)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int err = d ? 0 : -ENOMEM;

	if (!d) {
		config_free(c);
		errno = ENOMEM;
		return NULL;
	}
	d->config = c;
	d->signal_fd = d->timer_fd = -1;
	d->started_ms = d->second_ms = clock_now_ms();
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
	struct audit_stats as;
	struct conntrack_stats cs;

	audit_stats(d->audit, &as);
	conntrack_stats(d->conntrack, &cs);
	if (cs.buffer_bytes < d->config->event_buffer_bytes)
		log_warning("the kernel grants %" PRIu32 " KiB of event-buffer, not %" PRIu64
			    ": more "
			    "needs CAP_NET_ADMIN outside user namespaces, or a larger "
			    "net.core.rmem_max",
			    cs.buffer_bytes / 1024, d->config->event_buffer_bytes / 1024);
	log_notice("ready: mode %s, %zu uplinks, %" PRIu32 " flows live, %s events, event buffer "
		   "%" PRIu32 " KiB",
		   config_mode_name(d->config->mode), d->config->n_uplinks, as.live,
		   d->is_minimal ? "minimal" : "full", cs.buffer_bytes / 1024);
	d->is_ready = true;
	notify_send("READY=1\nSTATUS=steering and observing");
	return loop_run(d->loop);
}

/* What waits in the sockets and in the audit goes into the history first. */
static void drain(struct daemon *d)
{
	observe_drain(d);
	for (int turn = 0; turn < DRAIN_TURNS && audit_flush(d->audit, clock_now_ms()); turn++)
		writer_flush(d->writer);
}

void daemon_stop(struct daemon *d)
{
	notify_send("STOPPING=1");
	if (d->is_ready) {
		if (d->config->on_stop == ON_STOP_KEEP)
			steer_settle(d);
		tamper_stop(d);
		drain(d);
		coverage_stop(d);
		steer_stop(d);
	}
	exporter_close(d);
	/* What it has to say and what it has delivered is for the writer to keep. */
	alerter_free(d->alerter);
	if (d->writer)
		writer_stop(d->writer, d->is_ready, clock_now_ms());
	audit_free(d->audit);
	control_close(d->control);
	store_close(d->store);
	tamper_close(d);
	steer_close(d);
	observe_close(d);
	coverage_close(d);
	loop_free(d->loop);
	if (d->timer_fd >= 0)
		close(d->timer_fd);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
	config_free(d->config);
	free(d);
}
