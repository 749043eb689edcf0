/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_worker.h - a thread that touches files for a loop that must not wait: a disk that does
 * not answer costs what waits for it, and nothing else.
 */
#ifndef WAYMARK_BASE_DISK_WORKER_H
#define WAYMARK_BASE_DISK_WORKER_H

#include <stdint.h>

/* How long a caller waits for its job. */
#define DISK_WORKER_PATIENCE_MS 200
/* How many jobs may wait for a disk that hangs. */
#define DISK_WORKER_JOBS_MAX 1000

struct disk_worker;

/* Process a file in the worker's thread. 0 or -errno. */
typedef int disk_job_fn(const char *path, const char *text);

/* Start a worker. Returns NULL with errno. */
struct disk_worker *disk_worker_new(void);
/* Waits for the job's result, but not for long, and not at all behind a job that has not ended.
 * 0 or -errno: the result. -EINPROGRESS: the job is done later. -ENOBUFS: too many jobs wait, and
 * this one is dropped. text may be NULL. */
int disk_worker_run(struct disk_worker *w, disk_job_fn *job, const char *path, const char *text);

/* Jobs that ended after their caller had stopped waiting. */
struct disk_worker_late {
	uint64_t done, failed;
	int error; /* -errno of the last one that failed */
};
/* Get the late jobs since the last call. */
void disk_worker_late(struct disk_worker *w, struct disk_worker_late *out);

/* Wait a moment for the jobs; jobs on a disk that hangs are lost. w may be NULL. */
void disk_worker_free(struct disk_worker *w);

#endif
