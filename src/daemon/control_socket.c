/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control_socket.c - creates and removes the socket file of the control socket.
 *
 * A daemon that died leaves its socket file, so a socket without a listener is replaced. Two
 * daemons must not share a path, so a socket with a listener is kept. A file that is not a socket
 * is never removed.
 */
#include "daemon/control_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_MODE	    0660
#define CONTROL_FOLDER_MODE 0750
#define CONTROL_BACKLOG	    16

static int address_set(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (!*path)
		return -EINVAL;
	if (strlen(path) >= sizeof(sun->sun_path))
		return -ENAMETOOLONG;
	strcpy(sun->sun_path, path);
	return 0;
}

/* Create each missing folder of the path. */
static int folder_make(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	strcpy(folder, path);
	for (slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, CONTROL_FOLDER_MODE) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* Return 0 if a new socket can take the address: the file is missing, or no process listens at it.
 * Return -EADDRINUSE if a process listens, -ENOTSOCK if the file is not a socket, or another
 * -errno. */
static int socket_is_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(sun->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)sun, sizeof(*sun)))
		err = -EADDRINUSE;
	else if (errno == EAGAIN) /* the backlog is full, so a process listens */
		err = -EADDRINUSE;
	else if (errno != ECONNREFUSED && errno != ENOENT)
		err = -errno;
	close(fd);
	return err;
}

static int socket_bind(int fd, const struct sockaddr_un *sun)
{
	int err;

	/* bind() gives the file the mode of the socket. Set the mode of the socket first, so that
	 * no other user can connect before chmod(). */
	if (fchmod(fd, CONTROL_MODE))
		return -errno;
	if (!bind(fd, (const struct sockaddr *)sun, sizeof(*sun)))
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	err = socket_is_stale(sun);
	if (err)
		return err;
	if (unlink(sun->sun_path) && errno != ENOENT)
		return -errno;
	return bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) ? -errno : 0;
}

static int socket_publish(struct control_socket *s)
{
	struct stat st;

	/* In bind() the umask has cleared bits of the file's mode. Set them again, so that the
	 * group can connect. */
	if (chmod(s->path, CONTROL_MODE) || lstat(s->path, &st) || listen(s->fd, CONTROL_BACKLOG))
		return -errno;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return 0;
}

int control_socket_open(struct control_socket *s, const char *path)
{
	struct sockaddr_un sun;
	int err = address_set(&sun, path);

	s->fd = -1;
	s->path = NULL;
	if (!err)
		err = folder_make(path);
	if (err)
		return err;
	s->path = strdup(path);
	if (!s->path)
		return -ENOMEM;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = s->fd < 0 ? -errno : socket_bind(s->fd, &sun);
	if (err)
		goto fail;
	err = socket_publish(s);
	if (!err)
		return 0;
	unlink(path);
fail:
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	s->fd = -1;
	s->path = NULL;
	return err;
}

void control_socket_close(struct control_socket *s)
{
	struct stat st;

	if (s->fd < 0)
		return;
	if (!lstat(s->path, &st) && st.st_dev == s->device && st.st_ino == s->inode)
		unlink(s->path);
	close(s->fd);
	free(s->path);
	s->fd = -1;
	s->path = NULL;
}
