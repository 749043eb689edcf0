/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.c - connects to waymarkd's control socket, sends a request and reads the answer.
 */
#include "cli/client.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 5
#define PAUSE_MS   50L
#define TICK_MS	   500

static int client_connect(const char *path, int *fd)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int err;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(*fd, (struct sockaddr *)&sun, sizeof(sun)))
		return 0;
	err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	close(*fd);
	return err;
}

/* Size of the buffer in which waymarkd receives a request (CONTROL_REQUEST_MAX in
 * daemon/control.h). A longer request is not sent. */
#define CLIENT_REQUEST_MAX 4096

static int request_format(char *request, size_t size, const char *command)
{
	json_t *object = json_pack("{ss}", "command", command);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int length = text ? snprintf(request, size, "%s\n", text) : -1;

	free(text);
	json_decref(object);
	return length < 0 || (size_t)length >= size ? -E2BIG : length;
}

/* Connect and send the request. Return a stream to read the answer from. On failure set *err to
 * -errno and return NULL. */
static FILE *client_open(const char *path, const char *command, int *err)
{
	char request[CLIENT_REQUEST_MAX];
	int fd, size = request_format(request, sizeof(request), command);
	FILE *stream;

	*err = size < 0 ? size : client_connect(path, &fd);
	if (*err)
		return NULL;
	/* Ignore EPIPE, because an answer may still be readable: a daemon that has too many clients
	 * says so, and closes the connection without reading the request. */
	if (send(fd, request, (size_t)size, MSG_NOSIGNAL) != size && errno != EPIPE)
		*err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	stream = *err ? NULL : fdopen(fd, "r");
	if (!stream) {
		if (!*err)
			*err = -errno;
		close(fd);
	}
	return stream;
}

int client_ask(const char *path, const char *command, char **answer)
{
	size_t room = 0;
	int err = 0;
	FILE *stream = client_open(path, command, &err);

	*answer = NULL;
	if (!stream)
		return err;
	errno = 0;
	if (getline(answer, &room, stream) < 0) {
		err = errno == EAGAIN ? -ETIMEDOUT : errno ? -errno : -EPROTO;
		free(*answer);
		*answer = NULL;
	} else {
		(*answer)[strcspn(*answer, "\n")] = '\0';
	}
	fclose(stream);
	return err;
}

int client_answer(const char *path, const char *command, struct answer *a)
{
	char *text = NULL;
	int err = client_ask(path, command, &text);

	if (!err)
		err = answer_parse(a, text);
	free(text);
	if (err || !a->error)
		return err;
	answer_free(a);
	return -ENOTSUP;
}

void client_pause(void)
{
	struct timespec t = {.tv_nsec = PAUSE_MS * 1000000};

	nanosleep(&t, NULL);
}

/* Bytes that were received, but not passed on yet, because their line is incomplete. */
struct unread {
	char *text;
	size_t used, room;
};

/* Receive more bytes. Return their number; 0: the daemon closed the connection; or -errno. */
static ssize_t unread_fill(struct unread *u, int fd)
{
	ssize_t n;

	if (u->used == u->room) {
		size_t room = u->room ? 2 * u->room : 65536;
		char *text = realloc(u->text, room);

		if (!text)
			return -ENOMEM;
		u->text = text;
		u->room = room;
	}
	n = read(fd, u->text + u->used, u->room - u->used);
	if (n > 0)
		u->used += (size_t)n;
	return n < 0 ? -errno : n;
}

static int unread_take(struct unread *u, client_line_fn *fn, void *data)
{
	char *line = u->text, *end;
	int err = 0;

	while (!err && (end = memchr(line, '\n', u->used - (size_t)(line - u->text)))) {
		*end = '\0';
		err = fn(data, line);
		line = end + 1;
	}
	u->used -= (size_t)(line - u->text);
	memmove(u->text, line, u->used);
	return err;
}

int client_watch(const char *path, client_line_fn *fn, void *data)
{
	struct unread unread = {0};
	int err = 0;
	FILE *stream = client_open(path, "watch", &err);
	struct pollfd wait = {.fd = stream ? fileno(stream) : -1, .events = POLLIN};

	while (stream && !err) {
		ssize_t n = poll(&wait, 1, TICK_MS) ? unread_fill(&unread, wait.fd) : -EAGAIN;

		if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR))
			break;
		err = n < 0 ? fn(data, NULL) : unread_take(&unread, fn, data);
	}
	free(unread.text);
	if (stream)
		fclose(stream);
	return err;
}

enum exit_status client_explain(const char *path, int err)
{
	switch (-err) {
	case ENOENT:
	case ECONNREFUSED:
	case ENOTDIR:
		cli_error("waymarkd is not running: no listener at %s (start it: systemctl start "
			  "waymarkd)",
			  path);
		return CLI_NO_DAEMON;
	case ETIMEDOUT:
		cli_error("waymarkd at %s does not answer (see its log: journalctl -u waymarkd)",
			  path);
		return CLI_NO_DAEMON;
	case EACCES:
	case EPERM:
		cli_error("cannot ask waymarkd at %s: %s (add yourself to group waymark, or run as "
			  "root)",
			  path, strerror(-err));
		return CLI_FAILED;
	default:
		cli_error("cannot ask waymarkd at %s: %s", path, strerror(-err));
		return CLI_FAILED;
	}
}
