/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec.c - runs programs for alerts. A limited number of programs run at the same time; the others
 * wait in a queue. A program that runs too long is killed.
 *
 * Must not know the facts of an alert. The caller passes in an environment and a line.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waymark/alert/output.h"
#include "alert/strings.h"
#include "waymark/alert/exec.h"
#include "waymark/alert/sink.h"
#include "waymark/alert/spawn.h"

#define TICK_MOST_MS 1000
#define STOP_LOOK_MS 10

/* What all programs of one alert get. Each queued job has a reference. */
struct message {
	unsigned refs;
	char *line; /* what a program reads from its standard input */
	char **environment;
};

struct job {
	char *path;
	struct message *message;
};

struct child {
	pid_t pid; /* of the program's minder (spawn.h); 0: this entry is free */
	char *path;
	struct output *output; /* NULL: the output is not read */
	int64_t age_ms;	       /* how long the program has run */
	bool is_killed;	       /* the program exceeded the time limit, and a failure was counted */
};

struct exec {
	struct sink_status *status;
	struct child children[EXEC_CHILDREN_MAX];
	uint32_t n_children;
	struct job queue[EXEC_QUEUE_MAX]; /* a ring */
	unsigned first, n_queued;
	int64_t tick_ms; /* time of the latest tick; 0: none yet */
	struct spawn_user user;
	/* name of the configured user if this user does not exist, so no program can run; else
	 * NULL */
	char *refused;
	exec_output_fn *on_output;
	void *on_output_data;
};

static void message_release(struct message *s)
{
	if (--s->refs)
		return;
	strings_free(s->environment);
	free(s->line);
	free(s);
}

static struct message *message_new(char *const *environment, const char *line)
{
	struct message *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->line = strdup(line);
	s->environment = strings_copy(environment);
	if (s->line && s->environment)
		return s;
	message_release(s);
	errno = ENOMEM;
	return NULL;
}

struct exec *exec_new(struct sink_status *s)
{
	struct exec *e = calloc(1, sizeof(*e));

	if (e)
		e->status = s;
	return e;
}

/* Set the user that programs run as. If this process is not root, programs run as the same user as
 * this process, because only root can switch users. */
static void exec_set_user(struct exec *e, const char *name)
{
	const struct passwd *entry;

	free(e->refused);
	e->refused = NULL;
	e->user.is_set = false;
	if (!name || geteuid() != 0)
		return;
	entry = getpwnam(name);
	if (entry)
		e->user = (struct spawn_user){true, entry->pw_uid, entry->pw_gid};
	else
		e->refused = strdup(name);
}

void exec_set_output(struct exec *e, exec_output_fn *fn, void *data)
{
	e->on_output = fn;
	e->on_output_data = data;
}

uint32_t exec_children(const struct exec *e)
{
	return e->n_children;
}

static void job_drop(struct exec *e, struct job *j, const char *why)
{
	sink_fail(e->status, "alert exec '%s': %s", j->path, why);
	message_release(j->message);
	free(j->path);
}

static struct child *child_place(struct exec *e)
{
	for (size_t i = 0; i < EXEC_CHILDREN_MAX; i++)
		if (e->children[i].pid == 0)
			return &e->children[i];
	return NULL;
}

/* Start the program of a job, and record its process in `place`, a free entry. Takes over the
 * memory that the job points to. */
static void job_start(struct exec *e, struct job *j, struct child *place)
{
	struct program program = {j->path, j->message->environment, j->message->line, &e->user, -1};
	struct output *output = e->on_output ? output_open(&program.output_fd) : NULL;
	pid_t pid;
	int err = program_spawn(&program, &pid);

	if (program.output_fd >= 0)
		close(program.output_fd);
	if (err < 0) {
		output_close(output);
		job_drop(e, j, strerror(-err));
		return;
	}
	*place = (struct child){.pid = pid, .path = j->path, .output = output};
	e->n_children++;
	message_release(j->message);
}

static void queue_start(struct exec *e)
{
	struct child *place;

	while (e->n_queued && (place = child_place(e))) {
		struct job j = e->queue[e->first];

		e->first = (e->first + 1) % EXEC_QUEUE_MAX;
		e->n_queued--;
		job_start(e, &j, place);
	}
}

static void job_submit(struct exec *e, const char *path, struct message *message)
{
	struct job j = {.path = strdup(path), .message = message};

	if (!j.path) {
		sink_fail(e->status, "alert exec '%s': %s", path, strerror(ENOMEM));
		return;
	}
	message->refs++;
	if (e->n_queued == EXEC_QUEUE_MAX) {
		job_drop(e, &j, "not run: too many programs already wait");
		return;
	}
	e->queue[(e->first + e->n_queued++) % EXEC_QUEUE_MAX] = j;
	queue_start(e);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), n = strlen(suffix);

	return length > n && strcmp(name + length - n, suffix) == 0;
}

/* Filter for scandir(): accept file names of letters, digits, '-', '_' and '.', similar to
 * run-parts(8). Reject hidden files and backup files of editors and package managers. */
static int is_program_name(const struct dirent *entry)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	static const char *const aside[] = {".bak",	 ".dpkg-old", ".dpkg-dist", ".dpkg-new",
					    ".dpkg-tmp", ".rpmsave",  ".rpmnew",    ".rpmorig"};
	const char *name = entry->d_name;

	if (name[0] == '.' || name[strspn(name, allowed)] != '\0')
		return 0;
	for (size_t i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
		if (has_suffix(name, aside[i]))
			return 0;
	return 1;
}

/* Compare bytes, so that the order does not depend on the locale. */
static int name_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void folder_submit_one(struct exec *e, const char *folder, const char *name,
			      struct message *message)
{
	char path[4096];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
		job_submit(e, path, message);
}

static void folder_submit(struct exec *e, const char *folder, struct message *message)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_program_name, name_compare);

	if (n < 0) {
		sink_fail(e->status, "alert exec '%s': %s", folder, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		folder_submit_one(e, folder, entries[i]->d_name, message);
		free(entries[i]);
	}
	free(entries);
}

void exec_run(struct exec *e, const char *path, char *const *environment, const char *line)
{
	struct message *message;
	struct stat st;

	if (e->refused) {
		sink_fail(e->status,
			  "alert exec '%s': user '%s' does not exist (create the user, or set user "
			  "in section alert)",
			  path, e->refused);
		return;
	}
	message = message_new(environment, line);
	if (!message || stat(path, &st) < 0)
		sink_fail(e->status, "alert exec '%s': %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		folder_submit(e, path, message);
	else
		job_submit(e, path, message);
	if (message)
		message_release(message);
}

static void child_judge(struct exec *e, const struct child *c, int status)
{
	if (c->is_killed)
		return;
	if (WIFSIGNALED(status))
		sink_fail(e->status, "alert exec '%s': killed by signal %d", c->path,
			  WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		sink_fail(e->status, "alert exec '%s': exit status %d", c->path,
			  WEXITSTATUS(status));
}

/* Reap one child if it has ended. Wait for its pid only, because this process can have children
 * that other files have started. */
static void child_reap(struct exec *e, struct child *c)
{
	int status;
	pid_t pid = waitpid(c->pid, &status, WNOHANG);

	if (pid == 0)
		return;
	if (pid == c->pid)
		child_judge(e, c, status);
	output_take(c->output, c->path, e->on_output, e->on_output_data);
	output_close(c->output);
	free(c->path);
	*c = (struct child){0};
	e->n_children--;
}

static void child_limit(struct exec *e, struct child *c, int64_t passed_ms)
{
	int err;

	c->age_ms += passed_ms;
	if (c->is_killed || c->age_ms < EXEC_TIMEOUT_MS)
		return;
	c->is_killed = true;
	err = program_end(c->pid);
	if (err)
		sink_fail(e->status, "alert exec '%s': cannot kill the program after %d s: %s",
			  c->path, EXEC_TIMEOUT_MS / 1000, strerror(-err));
	else
		sink_fail(e->status, "alert exec '%s': killed after %d s", c->path,
			  EXEC_TIMEOUT_MS / 1000);
}

/* Save the time of this tick, and return the time since the last one, limited to 0..TICK_MOST_MS.
 * Ticks are never further apart than TICK_MOST_MS, so a time outside of these limits means that the
 * clock was set. */
static int64_t passed_note(struct exec *e, int64_t now_ms)
{
	int64_t passed_ms = e->tick_ms ? now_ms - e->tick_ms : 0;

	e->tick_ms = now_ms;
	if (passed_ms < 0)
		return 0;
	return passed_ms < TICK_MOST_MS ? passed_ms : TICK_MOST_MS;
}

void exec_tick(struct exec *e, int64_t now_ms)
{
	int64_t passed_ms = passed_note(e, now_ms);

	for (size_t i = 0; i < EXEC_CHILDREN_MAX; i++) {
		struct child *c = &e->children[i];

		if (c->pid)
			output_take(c->output, c->path, e->on_output, e->on_output_data);
		if (c->pid)
			child_reap(e, c);
		if (c->pid)
			child_limit(e, c, passed_ms);
	}
	queue_start(e);
}

static void children_await(struct exec *e)
{
	for (int ms = 0; ms < EXEC_STOP_MS && e->n_children; ms += STOP_LOOK_MS) {
		poll(NULL, 0, STOP_LOOK_MS);
		exec_tick(e, e->tick_ms);
	}
}

void exec_free(struct exec *e)
{
	if (!e)
		return;
	children_await(e);
	for (; e->n_queued; e->n_queued--) {
		job_drop(e, &e->queue[e->first], "not run: waymarkd stops");
		e->first = (e->first + 1) % EXEC_QUEUE_MAX;
	}
	for (size_t i = 0; i < EXEC_CHILDREN_MAX; i++) {
		if (e->children[i].pid)
			program_end(e->children[i].pid);
		output_close(e->children[i].output);
		free(e->children[i].path);
	}
	free(e->refused);
	free(e);
}

/* --- the sink ------------------------------------------------------------------------ */

static const char *exec_target(const struct alert_config *c)
{
	return c->exec;
}

static void *exec_open(void *data, struct sink_status *s)
{
	(void)data;
	return exec_new(s);
}

static void exec_close(void *self)
{
	exec_free(self);
}

static int exec_configure(void *self, const struct alert_config *c)
{
	exec_set_user(self, c->user);
	return 0;
}

static void exec_send(void *self, const struct alert_config *c, const struct sink_message *m,
		      struct sink_status *s)
{
	char **environment = facts_environment(m->facts);

	if (!environment) {
		sink_fail(s, "alert exec '%s': %s", c->exec, strerror(errno));
		return;
	}
	exec_run(self, c->exec, environment, m->line);
	facts_environment_free(environment);
}

static void exec_sink_tick(void *self, int64_t now_ms)
{
	exec_tick(self, now_ms);
}

static void exec_stats(void *self, struct sink_stats *out)
{
	out->running = exec_children(self);
}

const struct sink exec_sink = {
	.name = "exec",
	.target = exec_target,
	.open = exec_open,
	.close = exec_close,
	.configure = exec_configure,
	.send = exec_send,
	.tick = exec_sink_tick,
	.stats = exec_stats,
};
