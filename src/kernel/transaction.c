/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transaction.c - forks a child, or lets the launcher fork it, and reads the child's reply from a
 * pipe.
 *
 * The reply consists of the result, the sizes of both texts (output and errors), and the texts. If
 * a child dies, its reply is incomplete. The caller waits for the child and kills it after
 * TRANSACTION_SECONDS.
 */
#define _GNU_SOURCE /* pipe2 */
#include "waymark/base/bytes.h"
#include "waymark/base/clock.h"
#include "waymark/kernel/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/launcher.h"

#define TEXT_BYTES_MAX (1u << 30)

struct head {
	int32_t result;
	uint32_t output_size, errors_size;
};

static pid_t children[TRANSACTION_CHILDREN]; /* the pids of the latest children, as a ring buffer */
static unsigned n_children;

bool transaction_is_child(pid_t pid)
{
	for (unsigned i = 0; i < TRANSACTION_CHILDREN; i++)
		if (pid > 0 && children[i] == pid)
			return true;
	return false;
}

/* --- the child ------------------------------------------------------------------------ */

void transaction_child(int fd, transaction_fn *fn, const void *data)
{
	char *output = NULL, *errors = NULL;
	size_t output_size = 0, errors_size = 0;
	FILE *out = open_memstream(&output, &output_size);
	FILE *err = open_memstream(&errors, &errors_size);
	struct head head;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(TRANSACTION_SECONDS);
	if (!out || !err)
		_exit(1);
	head.result = fn(data, out, err);
	if (fclose(out) || fclose(err) || output_size > TEXT_BYTES_MAX ||
	    errors_size > TEXT_BYTES_MAX)
		_exit(1);
	head.output_size = (uint32_t)output_size;
	head.errors_size = (uint32_t)errors_size;
	if (bytes_write(fd, &head, sizeof(head)) || bytes_write(fd, output, output_size) ||
	    bytes_write(fd, errors, errors_size))
		_exit(1);
	_exit(0);
}

/* --- the caller ----------------------------------------------------------------------- */

/* Read size bytes. Return 0, -EPIPE if the child ended early, -ETIMEDOUT, or another -errno. */
static int bytes_read(int fd, void *bytes, size_t size, int64_t until_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char *to = bytes;

	while (size) {
		int64_t left_ms = until_ms - clock_steady_ms();
		ssize_t n;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left_ms) <= 0)
			continue;
		n = read(fd, to, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EPIPE;
		to += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Read a text of the reply into *text. Before the call *text is an empty malloc'd string; if size
 * is 0, it stays. */
static int text_read(int fd, uint32_t size, int64_t until_ms, char **text)
{
	char *grown = size && size <= TEXT_BYTES_MAX ? realloc(*text, (size_t)size + 1) : NULL;
	int err;

	if (!grown)
		return size > TEXT_BYTES_MAX ? -EMSGSIZE : size ? -ENOMEM : 0;
	*text = grown;
	err = bytes_read(fd, grown, size, until_ms);
	grown[err ? 0 : size] = '\0';
	return err;
}

/* Read the reply. If there is no memory for the error text, leave it out and return success. */
static int reply_read(int fd, struct head *head, struct transaction_reply *reply)
{
	int64_t until_ms = clock_steady_ms() + TRANSACTION_SECONDS * 1000;
	int err = bytes_read(fd, head, sizeof(*head), until_ms);

	if (!err)
		err = text_read(fd, head->output_size, until_ms, &reply->output);
	if (!err) {
		reply->output_size = head->output_size;
		err = text_read(fd, head->errors_size, until_ms, &reply->errors);
	}
	return err == -ENOMEM && !(head->output_size && !reply->output_size) ? 0 : err;
}

static int death_report(struct transaction_reply *reply, int err, int status, pid_t pid)
{
	char text[80];

	transaction_clear(reply);
	if (err == -ETIMEDOUT)
		snprintf(text, sizeof(text), "the helper process took longer than %d s",
			 TRANSACTION_SECONDS);
	else if (!pid)
		snprintf(text, sizeof(text), "the process that starts the helpers has ended");
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "the helper process was killed by signal %d",
			 WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "the helper process exited with status %d",
			 WEXITSTATUS(status));
	reply->errors = strdup(text);
	return -EOWNERDEAD;
}

static int status_take(pid_t pid, bool is_launched)
{
	int status = 0;

	if (is_launched)
		return launcher_wait();
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int child_finish(pid_t pid, bool is_launched, int fd, struct transaction_reply *reply)
{
	struct head head = {0};
	int err = reply_read(fd, &head, reply), status;

	if (err && pid > 0)
		kill(pid, SIGKILL);
	status = status_take(pid, is_launched);
	if (err != -ENOMEM)
		return err ? death_report(reply, err, status, pid) : head.result;
	return head.result ? head.result : err;
}

/* Start a child, and set *is_launched to whether the launcher was asked to fork it. Return the pid,
 * 0 if the launcher ended before it sent the pid, or -errno. */
static pid_t child_start(int fd, transaction_fn *fn, const void *data, size_t size,
			 bool *is_launched)
{
	pid_t pid = launcher_fork(fd, fn, data, size);

	*is_launched = pid != -ENOTCONN;
	if (*is_launched)
		return pid;
	pid = fork();
	if (pid == 0)
		transaction_child(fd, fn, data);
	return pid < 0 ? -errno : pid;
}

/* Allocate empty texts before the child starts. An empty reply then needs no more memory. */
static int reply_begin(struct transaction_reply *reply)
{
	*reply = (struct transaction_reply){.output = calloc(1, 1), .errors = calloc(1, 1)};
	return reply->output && reply->errors ? 0 : -ENOMEM;
}

int transaction_run(transaction_fn *fn, const void *data, size_t size,
		    struct transaction_reply *reply)
{
	bool is_launched;
	int ends[2], ret;
	pid_t pid;

	ret = reply_begin(reply);
	if (!ret && pipe2(ends, O_CLOEXEC))
		ret = -errno;
	if (ret)
		return ret;
	pid = child_start(ends[1], fn, data, size, &is_launched);
	close(ends[1]);
	if (pid > 0)
		children[n_children++ % TRANSACTION_CHILDREN] = pid;
	ret = pid < 0 ? pid : child_finish(pid, is_launched, ends[0], reply);
	close(ends[0]);
	return ret;
}

void transaction_clear(struct transaction_reply *reply)
{
	free(reply->output);
	free(reply->errors);
	*reply = (struct transaction_reply){0};
}
