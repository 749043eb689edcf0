/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawner.c - drops every privilege, starts the worker, and restarts it when it dies.
 *
 * When waymarkd stops, the channel closes. The worker then has STOP_MS to end before the spawner
 * kills it. When the spawner dies, the worker dies; when the worker dies, its programs die.
 */
#include "talker/spawner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "talker/channel.h"
#include "talker/worker.h"
#include "waymark/base/clock.h"
#include "waymark/kernel/privilege.h"

#define FD_CHANNEL 3 /* the first descriptor after stdin, stdout and stderr */

/* pause before the worker is restarted; doubled each time that the worker dies within YOUNG_MS of
 * its start */
#define PAUSE_MS     1000
#define PAUSE_MAX_MS 60000
#define YOUNG_MS     10000
/* how long the spawner waits for the worker to end when waymarkd has stopped */
#define STOP_MS 6000

struct spawner {
	int channel, signal_fd;
	uint32_t generation;
	pid_t worker; /* 0: none */
	int64_t started_ms, due_ms, pause_ms;
	int64_t stop_by_ms; /* when to kill the worker, after waymarkd has stopped; 0: not yet */
	struct frame frame;
};

/* Static, because a frame is too large for the stack. */
static struct spawner spawner;

static void descriptors_keep(int channel)
{
	if (channel != FD_CHANNEL)
		dup2(channel, FD_CHANNEL);
#ifdef SYS_close_range
	if (syscall(SYS_close_range, FD_CHANNEL + 1, ~0U, 0) == 0)
		return;
#endif
	for (int fd = FD_CHANNEL + 1; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
		close(fd);
}

static int signals_open(void)
{
	sigset_t children;

	/* Ignore the signals that stop or reload waymarkd. The worker stops when FRAME_STOP arrives
	 * or the channel closes. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_SETMASK, &children, NULL);
	return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Drop the privileges. Clear the dumpable flag, so that other processes of this user cannot read
 * tokens from the memory of this process. Become a subreaper (see children_reap()). */
static int privileges_shed(const struct spawn_user *user)
{
	int err = privilege_shed(user->is_set, user->uid, user->gid);

	if (!err &&
	    (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)))
		err = -errno;
	return err;
}

static void worker_start(struct spawner *s)
{
	pid_t parent = getpid();

	s->generation++;
	s->started_ms = clock_steady_ms();
	s->worker = fork();
	if (s->worker == 0) {
		close(s->signal_fd);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "waymark-talker");
		if (getppid() == parent)
			worker_run(s->channel, s->generation);
		_exit(1);
	}
	if (s->worker > 0)
		return;
	s->worker = 0;
	s->due_ms = s->started_ms + PAUSE_MAX_MS;
}

static void death_report(struct spawner *s, int status)
{
	char text[64];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "it was killed by signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "it exited with status %d", WEXITSTATUS(status));
	frame_begin(&s->frame, FRAME_DIED, s->generation, 0);
	frame_put(&s->frame, text);
	channel_send(s->channel, &s->frame, -1);
}

static void worker_bury(struct spawner *s, int status)
{
	int64_t now_ms = clock_steady_ms();

	s->worker = 0;
	if (s->stop_by_ms)
		return;
	death_report(s, status);
	s->pause_ms = now_ms - s->started_ms < YOUNG_MS ? s->pause_ms * 2 : PAUSE_MS;
	if (s->pause_ms > PAUSE_MAX_MS)
		s->pause_ms = PAUSE_MAX_MS;
	s->due_ms = now_ms + s->pause_ms;
}

/* Reap the worker and the minders of programs (see alert/spawn.h). If a worker dies, the spawner
 * adopts the minders of this worker, because the spawner is a subreaper. */
static void children_reap(struct spawner *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == s->worker)
			worker_bury(s, status);
}

static int wait_ms(const struct spawner *s)
{
	int64_t until_ms = s->stop_by_ms ? s->stop_by_ms : s->due_ms, left_ms;

	if (!s->stop_by_ms && s->worker)
		return -1;
	left_ms = until_ms - clock_steady_ms();
	return left_ms < 0 ? 0 : (int)left_ms;
}

static void turn(struct spawner *s)
{
	struct pollfd fds[] = {{.fd = s->signal_fd, .events = POLLIN}, {.fd = s->channel}};
	nfds_t n = s->stop_by_ms ? 1 : 2;

	poll(fds, n, wait_ms(s));
	children_reap(s);
	if (n == 2 && fds[1].revents & (POLLHUP | POLLERR))
		s->stop_by_ms = clock_steady_ms() + STOP_MS;
	if (s->stop_by_ms && s->worker && clock_steady_ms() >= s->stop_by_ms)
		kill(s->worker, SIGKILL);
	if (!s->stop_by_ms && !s->worker && clock_steady_ms() >= s->due_ms)
		worker_start(s);
}

void spawner_run(int channel, const struct spawn_user *user)
{
	struct spawner *s = &spawner;
	int err;

	descriptors_keep(channel);
	setsid();
	prctl(PR_SET_NAME, "waymark-spawner");
	*s = (struct spawner){.channel = FD_CHANNEL, .pause_ms = PAUSE_MS};
	s->signal_fd = signals_open();
	err = privileges_shed(user);
	if (!err && s->signal_fd < 0)
		err = -errno;
	frame_begin(&s->frame, FRAME_READY, 0, err);
	if (channel_send(s->channel, &s->frame, -1) || err)
		_exit(1);
	worker_start(s);
	while (!s->stop_by_ms || s->worker)
		turn(s);
	_exit(0);
}
