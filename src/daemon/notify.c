/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify.c - sends the datagrams that sd_notify(3) describes, without libsystemd. */
#include "daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WAITING_BYTES 96

/* Messages that could not be sent yet, because the service manager does not read its socket; oldest
 * first. */
static char waiting[4][WAITING_BYTES];
static size_t n_waiting;

static bool address_set(struct sockaddr_un *to, socklen_t *bytes)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	if (!length || length >= sizeof(to->sun_path) || (*path != '/' && *path != '@'))
		return false;
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, path, length);
	if (*path == '@')
		to->sun_path[0] = '\0';
	*bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return true;
}

/* Send without blocking. Return 0, or -EAGAIN if the service manager does not read its socket. */
static int state_send(const char *state)
{
	struct sockaddr_un to;
	socklen_t bytes;
	int fd, err = 0;

	if (!address_set(&to, &bytes))
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	if (sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
		   bytes) < 0 &&
	    (errno == EAGAIN || errno == ENOBUFS))
		err = -EAGAIN;
	close(fd);
	return err;
}

static void waiting_send(void)
{
	while (n_waiting && !state_send(waiting[0])) {
		n_waiting--;
		memmove(waiting[0], waiting[1], sizeof(waiting) - sizeof(waiting[0]));
	}
}

void notify_send(const char *state)
{
	waiting_send();
	if ((!n_waiting && !state_send(state)) || n_waiting == sizeof(waiting) / sizeof(*waiting))
		return;
	snprintf(waiting[n_waiting++], WAITING_BYTES, "%s", state);
}

void notify_beat(void)
{
	waiting_send();
	if (!n_waiting)
		state_send("WATCHDOG=1");
}

void notify_reloading(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		 (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify_send(text);
}
