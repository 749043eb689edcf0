/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_worker.c - a queue of jobs, and a thread that runs them in the order of the queue.
 *
 * Must not know what the jobs do.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/base/clock.h"
#include "waymark/base/disk_worker.h"
#include "waymark/base/thread.h"

struct job {
	struct job *next;
	disk_job_fn *fn;
	char *path, *text; /* text may be NULL */
	bool is_awaited;   /* disk_worker_run() waits for the result */
};

struct disk_worker {
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct job *first, *last; /* first is the job that runs now or will run next */
	unsigned n;
	int result; /* result of the last job that disk_worker_run() waited for */
	struct disk_worker_late late;
	bool is_over; /* disk_worker_free() was called */
	/* The thread has ended, or disk_worker_free() has stopped waiting for it. Whichever comes
	 * second frees the worker. */
	bool has_ended;
};

static void job_free(struct job *j)
{
	if (!j)
		return;
	free(j->path);
	free(j->text);
	free(j);
}

static struct job *job_new(disk_job_fn *fn, const char *path, const char *text)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->fn = fn;
	j->path = strdup(path);
	j->text = text ? strdup(text) : NULL;
	if (j->path && (j->text || !text))
		return j;
	job_free(j);
	return NULL;
}

static void worker_destroy(struct disk_worker *w)
{
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* The first job of the queue has run: remove the job. If disk_worker_run() waits for the job, pass
 * the result to it. Otherwise count the job as late. Call with the lock held. */
static void first_end(struct disk_worker *w, int err)
{
	struct job *j = w->first;

	w->first = j->next;
	w->n--;
	if (j->is_awaited) {
		w->result = err;
	} else if (err) {
		w->late.failed++;
		w->late.error = err;
	} else {
		w->late.done++;
	}
	job_free(j);
	pthread_cond_broadcast(&w->change);
}

/* Run jobs until the worker is freed. A job may take arbitrarily long, so the lock is not held
 * while it runs. */
static void *thread_run(void *data)
{
	struct disk_worker *w = data;
	bool is_orphan;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct job *j;
		int err;

		while (!w->first && !w->is_over)
			pthread_cond_wait(&w->change, &w->lock);
		j = w->first;
		if (!j)
			break;
		pthread_mutex_unlock(&w->lock);
		err = j->fn(j->path, j->text);
		pthread_mutex_lock(&w->lock);
		first_end(w, err);
	}
	is_orphan = w->has_ended;
	w->has_ended = true;
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->lock);
	if (is_orphan)
		worker_destroy(w);
	return NULL;
}

struct disk_worker *disk_worker_new(void)
{
	struct disk_worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	thread_cond_init(&w->change);
	err = thread_start(NULL, thread_run, w);
	if (!err)
		return w;
	worker_destroy(w);
	errno = -err;
	return NULL;
}

static struct timespec patience_end(void)
{
	return thread_deadline(clock_steady_ms() + DISK_WORKER_PATIENCE_MS);
}

/* Wait for the result of j, the only job in the queue. When j ends, first_end() frees j, and the
 * queue is empty. Call with the lock held. */
static int result_await(struct disk_worker *w, struct job *j)
{
	struct timespec end = patience_end();
	int err = 0;

	while (w->first && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&w->change, &w->lock, &end);
	if (!w->first)
		return w->result;
	j->is_awaited = false;
	return -EINPROGRESS;
}

int disk_worker_run(struct disk_worker *w, disk_job_fn *job, const char *path, const char *text)
{
	struct job *j = job_new(job, path, text);
	int err = -EINPROGRESS;

	if (!j)
		return -ENOMEM;
	pthread_mutex_lock(&w->lock);
	if (w->n == DISK_WORKER_JOBS_MAX) {
		job_free(j);
		err = -ENOBUFS;
	} else {
		j->is_awaited = !w->first;
		if (w->first)
			w->last->next = j;
		else
			w->first = j;
		w->last = j;
		w->n++;
		pthread_cond_broadcast(&w->change);
		if (j->is_awaited)
			err = result_await(w, j);
	}
	pthread_mutex_unlock(&w->lock);
	return err;
}

void disk_worker_late(struct disk_worker *w, struct disk_worker_late *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->late;
	w->late = (struct disk_worker_late){0};
	pthread_mutex_unlock(&w->lock);
}

/* Drop the jobs that have not started. Call with the lock held. */
static void waiting_drop(struct disk_worker *w)
{
	struct job *next = w->first ? w->first->next : NULL;

	while (next) {
		struct job *j = next;

		next = j->next;
		job_free(j);
		w->n--;
	}
	if (w->first)
		w->first->next = NULL;
	w->last = w->first;
}

void disk_worker_free(struct disk_worker *w)
{
	struct timespec end = patience_end();
	bool has_ended;
	int err = 0;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->is_over = true;
	pthread_cond_broadcast(&w->change);
	while (!w->has_ended && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&w->change, &w->lock, &end);
	waiting_drop(w);
	has_ended = w->has_ended;
	w->has_ended = true;
	pthread_mutex_unlock(&w->lock);
	if (has_ended)
		worker_destroy(w);
}
