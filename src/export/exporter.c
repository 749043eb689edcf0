/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exporter.c - runs the threads, handles signals, and keeps the shared state.
 */
#include "export/exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "export/log.h"
#include "export/progress.h"
#include "export/shipper.h"

#include "waymark/base/thread.h"
#include "waymark/base/clock.h"

#define LOOK_NS 200000000

uint32_t exporter_random(void)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), 0) < 0)
		number = (uint32_t)clock_steady_ms() * 2654435761u;
	return number;
}

void exporter_router(const struct config *c, char *buf, size_t size)
{
	if (c->export.router)
		snprintf(buf, size, "%s", c->export.router);
	else if (gethostname(buf, size) < 0)
		snprintf(buf, size, "router");
	buf[size - 1] = '\0';
}

bool exporter_is_stopping(struct exporter *x)
{
	return __atomic_load_n(&x->is_stopping, __ATOMIC_RELAXED);
}

bool exporter_sleep(struct exporter *x, int64_t ms)
{
	struct timespec until = thread_deadline(clock_steady_ms() + ms);

	pthread_mutex_lock(&x->mutex);
	while (!exporter_is_stopping(x) &&
	       pthread_cond_timedwait(&x->woken, &x->mutex, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&x->mutex);
	return exporter_is_stopping(x);
}

void exporter_save(struct exporter *x)
{
	int err = export_state_save(&x->state, x->config->export.state_file);

	if (err < 0 && x->state_error == 0)
		export_log(LOG_ERR,
			   "cannot save %s: %s (rows may be shipped again after a restart)",
			   x->config->export.state_file, strerror(-err));
	else if (err == 0 && x->state_error < 0)
		export_log(LOG_NOTICE, "saving %s works again", x->config->export.state_file);
	x->state_error = err;
}

/* --- the start ---------------------------------------------------------------------- */

/* Write a hash of the configuration file to `to`, for the heartbeat: equal hashes show that routers
 * have the same configuration file. */
static void config_hash(const struct config *c, char *to, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	FILE *file = fopen(c->path, "re");
	int ch;

	while (file && (ch = getc(file)) != EOF)
		sum = (sum ^ (unsigned char)ch) * UINT64_C(0x100000001b3);
	if (file)
		fclose(file);
	snprintf(to, size, "%016llx", (unsigned long long)sum);
}

static void uplinks_list(const struct config *c, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < c->n_uplinks && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, "%s%s:%u:%u", i ? " " : "",
					 c->uplinks[i].name, c->uplinks[i].weight,
					 c->uplinks[i].tier);
}

/* Lock the state, so that no second exporter uses it. The lock is on a separate file, because each
 * save replaces the state file. Return the open lock file or -errno. */
static int state_lock(const char *path)
{
	char name[PATH_MAX];
	int fd;

	snprintf(name, sizeof(name), "%s.lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		export_log(LOG_ERR, "cannot open %s: %m (create its folder, or set state-file)",
			   name);
		return -errno;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	export_log(LOG_ERR,
		   "%s is in use: another waymark-export runs (stop it, or use another state-file)",
		   path);
	close(fd);
	return -EBUSY;
}

static int state_open(struct exporter *x)
{
	const char *path = x->config->export.state_file;
	int err = export_state_load(&x->state, path);

	if (err == -EBADMSG) {
		export_log(LOG_ERR, "%s is damaged, so that all rows are shipped again", path);
		memset(&x->state, 0, sizeof(x->state));
		err = 0;
	}
	if (err < 0)
		export_log(LOG_ERR, "cannot read %s: %s", path, strerror(-err));
	snprintf(x->state.router, sizeof(x->state.router), "%s", x->router);
	return err;
}

static bool is_asked_for(const struct exporter *x, const struct export_target *t)
{
	const char *const *name = x->options->targets;

	if (!name || !*name)
		return t->is_wanted(x->config);
	while (*name && strcmp(*name, t->name))
		name++;
	return *name != NULL;
}

/* --- threads ------------------------------------------------------------------------ */

struct worker {
	struct exporter *x;
	struct shipper *shipper;
	pthread_t thread;
	int result;
};

static void *worker_run(void *data)
{
	struct worker *w = data;

	w->result = shipper_run(w->shipper);
	pthread_mutex_lock(&w->x->mutex);
	w->x->n_running--;
	pthread_mutex_unlock(&w->x->mutex);
	return NULL;
}

static int workers_make(struct exporter *x, struct worker *workers, unsigned *n)
{
	const struct export_target *const *t;

	for (t = export_targets; *t; t++) {
		struct worker *w = &workers[*n];

		if (!is_asked_for(x, *t))
			continue;
		if (!(*t)->is_wanted(x->config)) {
			export_log(LOG_ERR,
				   "target %s is not configured (set it in section export)",
				   (*t)->name);
			return -EINVAL;
		}
		*w = (struct worker){.x = x, .shipper = shipper_new(x, *t, stderr)};
		if (!w->shipper)
			return -errno;
		(*n)++;
	}
	if (*n)
		return 0;
	export_log(LOG_ERR, "no target is configured (set clickhouse, ipfix or file in section "
			    "export of the configuration)");
	return -EINVAL;
}

static bool is_running(struct exporter *x)
{
	bool is;

	pthread_mutex_lock(&x->mutex);
	is = x->n_running > 0;
	pthread_mutex_unlock(&x->mutex);
	return is;
}

static void stop(struct exporter *x)
{
	pthread_mutex_lock(&x->mutex);
	__atomic_store_n(&x->is_stopping, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&x->woken);
	pthread_mutex_unlock(&x->mutex);
}

/* Show the progress until all threads have ended. On a signal, ask the threads to stop. */
static void supervise(struct exporter *x, const sigset_t *signals)
{
	struct progress progress;

	progress_start(&progress, x->options->is_once && isatty(STDERR_FILENO));
	while (is_running(x)) {
		int number = sigtimedwait(signals, NULL, &(struct timespec){.tv_nsec = LOOK_NS});

		pthread_mutex_lock(&x->mutex);
		progress_show(&progress, &x->state, clock_steady_ms());
		pthread_mutex_unlock(&x->mutex);
		if (number > 0 && !exporter_is_stopping(x))
			stop(x);
	}
	progress_end(&progress);
}

static int workers_run(struct exporter *x, struct worker *workers, unsigned n)
{
	sigset_t signals;
	unsigned started = 0;
	int err = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	x->n_running = n;
	while (started < n && !err) {
		err = -pthread_create(&workers[started].thread, NULL, worker_run,
				      &workers[started]);
		started += !err;
	}
	if (err) {
		x->n_running = started;
		stop(x);
	}
	supervise(x, &signals);
	for (unsigned i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		if (!err)
			err = workers[i].result;
	}
	return err;
}

static int exporter_prepare(struct exporter *x)
{
	exporter_router(x->config, x->router, sizeof(x->router));
	config_hash(x->config, x->config_hash, sizeof(x->config_hash));
	uplinks_list(x->config, x->uplinks, sizeof(x->uplinks));
	pthread_mutex_init(&x->mutex, NULL);
	thread_cond_init(&x->woken);
	return state_open(x);
}

int exporter_run(const struct config *c, const struct export_options *options)
{
	struct worker workers[EXPORT_STATE_TARGETS];
	struct exporter *x = calloc(1, sizeof(*x));
	int lock = x ? state_lock(c->export.state_file) : -ENOMEM, err;
	unsigned n = 0;

	if (lock < 0) {
		free(x);
		return lock;
	}
	x->config = c;
	x->options = options;
	err = exporter_prepare(x);
	if (err == 0)
		err = workers_make(x, workers, &n);
	if (err == 0)
		err = workers_run(x, workers, n);
	for (unsigned i = 0; i < n; i++)
		shipper_free(workers[i].shipper);
	close(lock);
	free(x);
	return err;
}
