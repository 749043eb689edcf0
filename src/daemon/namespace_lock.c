/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespace_lock.c - detects another waymarkd in this network namespace. Each waymarkd binds the
 * same abstract socket address, which only one process per network namespace can hold. The kernel
 * releases the address when the process ends.
 *
 * Any user can bind such an address. If the process that holds the address belongs neither to root
 * nor to waymarkd's user, it counts as another program: waymarkd logs this and starts.
 */
#define _GNU_SOURCE /* struct ucred */
#include "daemon/namespace_lock.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

#define NAME "waymarkd"
/* If waymarkd was killed, a child of it might still hold the address for a moment. So the bind is
 * tried ATTEMPTS times. */
#define ATTEMPTS 5
#define PAUSE_NS 100000000

struct namespace_lock {
	int fd; /* -1: none */
};

static socklen_t address_set(struct sockaddr_un *sun)
{
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(sun->sun_path + 1, NAME, sizeof(NAME) - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(NAME));
}

static int name_take(int fd)
{
	struct sockaddr_un sun;
	socklen_t size = address_set(&sun);

	for (int i = 0; i < ATTEMPTS; i++) {
		if (!bind(fd, (const struct sockaddr *)&sun, size))
			return listen(fd, 1) ? -errno : 0;
		if (errno != EADDRINUSE)
			return -errno;
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	}
	return -EADDRINUSE;
}

/* Find out which process listens at the address. Return false if this fails. */
static bool holder_read(struct ucred *holder)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t length = sizeof(*holder);
	struct sockaddr_un sun;
	socklen_t size = address_set(&sun);
	bool is_read = fd >= 0 && !connect(fd, (const struct sockaddr *)&sun, size) &&
		       !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, holder, &length);

	if (fd >= 0)
		close(fd);
	return is_read;
}

static int holder_report(void)
{
	struct ucred holder = {.uid = (uid_t)-1};
	bool is_known = holder_read(&holder);

	if (is_known && holder.uid != 0 && holder.uid != geteuid()) {
		log_warning("cannot detect a second waymarkd: process %d of user %u uses the "
			    "abstract socket @" NAME " of this network namespace (end process %d)",
			    (int)holder.pid, (unsigned)holder.uid, (int)holder.pid);
		return 0;
	}
	if (is_known)
		log_err("another waymarkd (process %d) runs in this network namespace; stop it "
			"first",
			(int)holder.pid);
	else
		log_err("another waymarkd runs in this network namespace; stop it first");
	return -EBUSY;
}

int namespace_lock_open(struct daemon *d)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = fd < 0 ? -errno : 0;

	d->namespace_lock = calloc(1, sizeof(*d->namespace_lock));
	if (!d->namespace_lock)
		err = -ENOMEM;
	else
		d->namespace_lock->fd = fd;
	if (!err)
		err = name_take(fd);
	if (err == -EADDRINUSE)
		return holder_report();
	if (err)
		log_err("cannot find out whether another waymarkd runs: %s", strerror(-err));
	return err;
}

void namespace_lock_close(struct daemon *d)
{
	if (d->namespace_lock && d->namespace_lock->fd >= 0)
		close(d->namespace_lock->fd);
	free(d->namespace_lock);
	d->namespace_lock = NULL;
}
