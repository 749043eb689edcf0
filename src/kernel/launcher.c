/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launcher.c - starts the launcher, a process that forks children which each run one function. The
 * daemon sends it one request at a time over a socket pair: the function, the function's data, and
 * the pipe for the reply. The launcher sends back the child's pid and, when the child has ended,
 * its status.
 *
 * The function's address is valid in the launcher too, because the launcher is a fork of the
 * daemon.
 */
#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC */
#include "kernel/launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waymark/base/bytes.h"

/* The launcher is started before the process has opened more descriptors than this. */
#define DESCRIPTORS_AT_START 1024

struct request {
	transaction_fn *fn;
	size_t size; /* number of bytes of data that follow */
};

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static struct {
	pid_t pid; /* 0: no launcher */
	int fd;
} launcher = {.fd = -1};

/* --- bytes through the socket ----------------------------------------------------------- */

/* Receive exactly `size` bytes. Return 0 or -errno (-EPIPE: the other side has ended). */
static int bytes_receive(int fd, void *bytes, size_t size)
{
	char *p = bytes;

	while (size) {
		ssize_t n = recv(fd, p, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EPIPE;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Send the head of a request together with the descriptor pass_fd. */
static int request_send(int fd, const struct request *r, int pass_fd)
{
	struct iovec part = {(void *)r, sizeof(*r)};
	union control control = {{0}};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pass_fd, sizeof(pass_fd));
	do
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return bytes_write(fd, (const char *)r + n, sizeof(*r) - (size_t)n);
}

static int request_receive(int fd, struct request *r, int *passed_fd)
{
	struct iovec part = {r, sizeof(*r)};
	union control control = {{0}};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	c = CMSG_FIRSTHDR(&message);
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EBADMSG;
	memcpy(passed_fd, CMSG_DATA(c), sizeof(*passed_fd));
	return bytes_receive(fd, (char *)r + n, sizeof(*r) - (size_t)n);
}

/* --- the launcher ----------------------------------------------------------------------- */

static int request_serve(int fd)
{
	struct request r;
	int pass_fd = -1, status = 0, err = request_receive(fd, &r, &pass_fd);
	char *data = err ? NULL : malloc(r.size ? r.size : 1);
	pid_t pid;

	if (!data || bytes_receive(fd, data, r.size))
		return -EPIPE;
	pid = fork();
	if (pid == 0) {
		close(fd);
		transaction_child(pass_fd, r.fn, data);
	}
	close(pass_fd);
	free(data);
	if (pid < 0 || bytes_write(fd, &pid, sizeof(pid)))
		return -EPIPE;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return bytes_write(fd, &status, sizeof(status));
}

/* Close all descriptors except the standard streams, fd and keep_fd. */
static void descriptors_close(int fd, int keep_fd)
{
	for (int i = STDERR_FILENO + 1; i < DESCRIPTORS_AT_START; i++)
		if (i != fd && i != keep_fd)
			close(i);
}

/* Serve requests until the daemon closes the socket or ends: request_serve() then fails, and the
 * launcher exits. Signals that a terminal or systemd sends to the whole process group are ignored,
 * because they would end the launcher during a transaction. */
static void __attribute__((noreturn)) launcher_run(int fd, int keep_fd, pid_t parent)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	descriptors_close(fd, keep_fd);
	if (getppid() != parent)
		_exit(0);
	while (!request_serve(fd))
		;
	_exit(0);
}

/* --- the process that uses the launcher ------------------------------------------------- */

void transaction_launcher_stop(void)
{
	if (launcher.fd >= 0)
		close(launcher.fd);
	launcher.fd = -1;
	if (!launcher.pid)
		return;
	kill(launcher.pid, SIGKILL);
	while (waitpid(launcher.pid, NULL, 0) < 0 && errno == EINTR)
		;
	launcher.pid = 0;
}

int transaction_launcher_start(int keep_fd)
{
	static const struct timeval patience = {.tv_sec = TRANSACTION_SECONDS};
	int ends[2], err;
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	launcher.pid = fork();
	if (launcher.pid == 0)
		launcher_run(ends[1], keep_fd, parent);
	err = -errno;
	close(ends[1]);
	launcher.fd = ends[0];
	if (launcher.pid > 0) {
		setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		return 0;
	}
	launcher.pid = 0;
	transaction_launcher_stop();
	return err;
}

bool transaction_launcher_is_running(void)
{
	if (launcher.pid && waitpid(launcher.pid, NULL, WNOHANG) == launcher.pid) {
		launcher.pid = 0;
		transaction_launcher_stop();
	}
	return launcher.pid != 0;
}

pid_t launcher_fork(int fd, transaction_fn *fn, const void *data, size_t size)
{
	struct request r = {.fn = fn, .size = size};
	pid_t pid;

	if (!transaction_launcher_is_running())
		return -ENOTCONN;
	if (request_send(launcher.fd, &r, fd) || bytes_write(launcher.fd, data, size)) {
		transaction_launcher_stop();
		return -ENOTCONN;
	}
	if (!bytes_receive(launcher.fd, &pid, sizeof(pid)))
		return pid;
	transaction_launcher_stop();
	return 0;
}

int launcher_wait(void)
{
	int status = 0;

	if (launcher.fd >= 0 && bytes_receive(launcher.fd, &status, sizeof(status)))
		transaction_launcher_stop();
	return status;
}
