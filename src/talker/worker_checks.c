/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_checks.c - runs check programs. Places for UPLINKS_MAX checks are enough, because waymarkd
 * runs at most one check per uplink at a time.
 */
#include "talker/worker_checks.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waymark/alert/output.h"
#include "waymark/alert/spawn.h"
#include "waymark/base/uplinks.h"

struct check {
	pid_t pid; /* 0: the place is free */
	int64_t number, until_ms;
	bool is_late;
	char *path;
	struct output *output;
};

struct worker_checks {
	worker_checked_fn *fn;
	exec_output_fn *on_output;
	void *data;
	struct check checks[UPLINKS_MAX];
};

struct worker_checks *worker_checks_new(worker_checked_fn *fn, exec_output_fn *output, void *data)
{
	struct worker_checks *c = calloc(1, sizeof(*c));

	if (c) {
		c->fn = fn;
		c->on_output = output;
		c->data = data;
	}
	return c;
}

static void check_clear(struct check *k)
{
	output_close(k->output);
	free(k->path);
	*k = (struct check){0};
}

void worker_checks_free(struct worker_checks *c)
{
	for (size_t i = 0; c && i < UPLINKS_MAX; i++) {
		if (c->checks[i].pid)
			program_end(c->checks[i].pid);
		check_clear(&c->checks[i]);
	}
	free(c);
}

static struct check *place_find(struct worker_checks *c)
{
	for (size_t i = 0; i < UPLINKS_MAX; i++)
		if (!c->checks[i].pid)
			return &c->checks[i];
	return NULL;
}

void worker_checks_run(struct worker_checks *c, int64_t number, const char *path,
		       char **environment, int64_t until_ms)
{
	static const struct spawn_user as_we_are;
	struct program p = {path, environment, "", &as_we_are, -1};
	struct check *k = place_find(c);
	int err;

	if (!k) {
		c->fn(c->data, number, "too many check programs run already");
		return;
	}
	*k = (struct check){.number = number, .until_ms = until_ms, .path = strdup(path)};
	k->output = output_open(&p.output_fd);
	err = program_spawn(&p, &k->pid);
	if (p.output_fd >= 0)
		close(p.output_fd);
	if (!err)
		return;
	check_clear(k);
	c->fn(c->data, number, strerror(-err));
}

/* Report the result once the program and everything that it started have ended. Kill a program that
 * exceeds its time limit. */
static void check_tick(struct worker_checks *c, struct check *k, int64_t now_ms)
{
	bool is_good;
	int status;

	output_take(k->output, k->path ? k->path : "", c->on_output, c->data);
	if (waitpid(k->pid, &status, WNOHANG) != k->pid) {
		if (now_ms >= k->until_ms && !k->is_late)
			program_end(k->pid);
		k->is_late = k->is_late || now_ms >= k->until_ms;
		return;
	}
	output_take(k->output, k->path ? k->path : "", c->on_output, c->data);
	is_good = !k->is_late && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	c->fn(c->data, k->number, is_good ? "good" : "bad");
	check_clear(k);
}

void worker_checks_tick(struct worker_checks *c, int64_t now_ms)
{
	for (size_t i = 0; i < UPLINKS_MAX; i++)
		if (c->checks[i].pid)
			check_tick(c, &c->checks[i], now_ms);
}

unsigned worker_checks_running(const struct worker_checks *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < UPLINKS_MAX; i++)
		n += c->checks[i].pid != 0;
	return n;
}
