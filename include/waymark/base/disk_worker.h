/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_worker.h - a thread that touches files for a loop that must not wait: a disk that does
 * not answer costs what waits for it, and nothing else.
 */
#ifndef WAYMARK_BASE_DISK_WORKER_H
#define WAYMARK_BASE_DISK_WORKER_H

#include <stdint.h>

/* So long a caller waits for a disk that answers. */
#define DISK_WORKER_PATIENCE_MS 200
/* So many jobs wait for one that does not. */
#define DISK_WORKER_JOBS_MAX 1000

struct disk_worker;

/* What is done with a file, in the worker's thread. 0 or -errno. */
typedef int disk_job_fn(const char *path, const char *text);

/* NULL with errno. */
struct disk_worker *disk_worker_new(void);
/* Waits for the job's result, but not for long, and not at all behind a job that has not ended.
 * 0 or -errno: the result. -EINPROGRESS: the job is done later. -ENOBUFS: too many jobs wait, and
 * this one is dropped. text may be NULL. */
int disk_worker_run(struct disk_worker *w, disk_job_fn *job, const char *path, const char *text);

/* Jobs that ended after their caller had gone on. */
struct disk_worker_late {
	uint64_t done, failed;
	int error; /* -errno of the last one that failed */
};
/* Those since the last call. */
void disk_worker_late(struct disk_worker *w, struct disk_worker_late *out);

/* Waits a moment for the jobs; those of a disk that does not answer are lost. w may be NULL. */
void disk_worker_free(struct disk_worker *w);

#endif
