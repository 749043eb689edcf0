/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confirm_guard.c - undoes what `waymark apply` has installed, unless a confirmation arrives before
 * the deadline.
 *
 * Lifecycle: `waymark apply` creates a file beside the control socket, locks the file, and forks
 * the guard, which inherits the lock. The guard calls apply(), reports the result through a pipe,
 * and waits. `waymark confirm` removes the file. The guard notices the removal and exits. At the
 * deadline, the guard removes the file and calls undo(). If `waymark confirm` and the guard remove
 * the file at the same time, one of the two removals fails. The guard calls undo() only if its own
 * removal has succeeded. If the file exists but is not locked, its guard was killed, and the change
 * stays.
 *
 * Must not know what apply() and undo() do.
 */
#include "cli/commands/confirm_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUARD_FILE   "confirm"
#define LOOK_MS	     100
#define NANOS_PER_MS 1000000L

static void guard_path(char *path, size_t size, const struct config *c)
{
	const char *slash = strrchr(c->control_socket, '/');

	snprintf(path, size, "%.*s" GUARD_FILE, slash ? (int)(slash - c->control_socket + 1) : 0,
		 c->control_socket);
}

/* Create the folder of the control socket, which can be missing if waymarkd does not run. */
static void folder_make(const char *path)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(folder, 0755);
		*slash = '/';
	}
}

/* Create the file and lock it. Return the descriptor or -errno; -EALREADY: another process holds
 * the lock. */
static int guard_claim(const char *path)
{
	int fd, err;

	folder_make(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ? -EALREADY : -errno;
	close(fd);
	return err;
}

static bool is_there(const char *path, int fd)
{
	struct stat named, ours;

	return !stat(path, &named) && !fstat(fd, &ours) && named.st_ino == ours.st_ino &&
	       named.st_dev == ours.st_dev;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / NANOS_PER_MS;
}

/* Wait for the confirmation or the deadline. Return whether the confirmation has arrived. */
static bool guard_wait(const char *path, int fd, uint64_t wait_s)
{
	int64_t deadline_ms = now_ms() + (int64_t)wait_s * 1000;
	struct timespec pause = {.tv_nsec = LOOK_MS * NANOS_PER_MS};

	while (now_ms() < deadline_ms) {
		if (!is_there(path, fd))
			return true;
		nanosleep(&pause, NULL);
	}
	return !is_there(path, fd) || unlink(path);
}

/* Redirect standard input, output and errors to /dev/null and change to the root folder. The guard
 * then holds no terminal, pipe or folder of the session that started `waymark apply`. */
static void session_leave(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/"))
		return;
}

struct guard {
	const char *path;
	int file, answer;
	uint64_t wait_s;
	confirm_guard_fn *apply, *undo;
	void *data;
};

static void guard_answer(const struct guard *g, int status)
{
	uint8_t byte = (uint8_t)status;

	if (write(g->answer, &byte, 1) != 1)
		return;
	close(g->answer);
}

__attribute__((noreturn)) static void guard_live(const struct guard *g)
{
	int status;

	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	status = g->apply(g->data);
	fflush(NULL);
	if (status)
		unlink(g->path);
	guard_answer(g, status);
	if (status)
		_exit(0);
	session_leave();
	_exit(guard_wait(g->path, g->file, g->wait_s) ? 0 : g->undo(g->data));
}

/* Return the result of apply(), which the guard sends; -ECHILD if the guard died without sending
 * the result. */
static int answer_read(int fd)
{
	uint8_t byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? byte : -ECHILD;
}

int confirm_guard_run(const struct config *c, uint64_t wait_s, confirm_guard_fn *apply,
		      confirm_guard_fn *undo, void *data)
{
	struct guard g = {.wait_s = wait_s, .apply = apply, .undo = undo, .data = data};
	char path[PATH_MAX];
	int ends[2], err;
	pid_t child;

	guard_path(path, sizeof(path), c);
	g.path = path;
	g.file = guard_claim(path);
	if (g.file < 0)
		return g.file;
	if (pipe2(ends, O_CLOEXEC)) {
		err = -errno;
		close(g.file);
		return err;
	}
	g.answer = ends[1];
	fflush(NULL);
	child = fork();
	if (!child)
		guard_live(&g);
	err = child < 0 ? -errno : 0;
	close(ends[1]);
	close(g.file);
	if (!err)
		err = answer_read(ends[0]);
	close(ends[0]);
	return err;
}

int confirm_guard_confirm(const struct config *c)
{
	char path[PATH_MAX];
	int fd;

	guard_path(path, sizeof(path), c);
	fd = guard_claim(path);
	if (fd == -EALREADY)
		return unlink(path) ? -errno : 0;
	if (fd < 0)
		return fd;
	/* No guard holds the lock: the file is stale, or guard_claim() has just created it. */
	unlink(path);
	close(fd);
	return -ENOENT;
}
