/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_state.c - keeps the former values of what the steering changed, in memory and in a file
 * that is replaced as a whole.
 *
 * Must not know rtnetlink or nftables, nor the file's syntax (steering_state_json.c).
 */
#define _GNU_SOURCE /* reallocarray */
#include "waymark/base/bytes.h"
#include "steering/steering_state.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "waymark/steering/steering.h"

#define FILE_NAME      "steering.json"
#define FILE_BYTES_MAX (16 * 1024 * 1024)

uint64_t text_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	return hash ? hash : 1;
}

struct steering_state *steering_state_new(void)
{
	struct steering_state *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->displaced = netstate_new();
	if (st->displaced)
		return st;
	free(st);
	return NULL;
}

void steering_state_free(struct steering_state *st)
{
	if (!st)
		return;
	netstate_free(st->displaced);
	free(st->sysctls);
	free(st->gateways);
	free(st);
}

int steering_state_keep_sysctl(struct steering_state *st, const char *name, const char *former,
			       const char *set)
{
	struct saved_sysctl *grown, *at = NULL;

	for (size_t i = 0; i < st->n_sysctls; i++)
		if (!strcmp(st->sysctls[i].name, name))
			at = &st->sysctls[i];
	if (!at) {
		grown = reallocarray(st->sysctls, st->n_sysctls + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		st->sysctls = grown;
		at = &grown[st->n_sysctls++];
		memset(at, 0, sizeof(*at));
		snprintf(at->name, sizeof(at->name), "%s", name);
		snprintf(at->former, sizeof(at->former), "%s", former);
	}
	snprintf(at->set, sizeof(at->set), "%s", set);
	return 0;
}

int steering_state_keep_gateway(struct steering_state *st, const struct saved_gateway *g)
{
	struct saved_gateway *grown;

	for (size_t i = 0; i < st->n_gateways; i++) {
		struct saved_gateway *at = &st->gateways[i];

		if (strcmp(at->uplink, g->uplink) || at->family != g->family)
			continue;
		*at = *g;
		return 0;
	}
	grown = reallocarray(st->gateways, st->n_gateways + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	st->gateways = grown;
	grown[st->n_gateways++] = *g;
	return 0;
}

/* Keep the links of the route's nexthops. If a link with the same index was kept before, replace
 * that link, because the index might belong to another interface now. */
static int keep_links(struct netstate *to, const struct route_state *r, const struct netstate *s)
{
	for (size_t i = 0; i < r->n_nexthops; i++) {
		const struct link_state *link;

		link = netstate_link_by_index(s, r->nexthops[i].ifindex);
		for (size_t j = 0; link && j < to->n_links; j++)
			if (to->links[j].index == link->index) {
				to->links[j] = *link;
				link = NULL;
			}
		if (link && !netstate_add_link(to, link))
			return -ENOMEM;
	}
	return 0;
}

int steering_state_keep_route(struct steering_state *st, const struct route_state *r,
			      const struct netstate *s)
{
	steering_state_drop_route(st, r);
	if (keep_links(st->displaced, r, s) < 0)
		return -ENOMEM;
	return netstate_add_route(st->displaced, r) ? 0 : -ENOMEM;
}

void steering_state_drop_route(struct steering_state *st, const struct route_state *place)
{
	struct netstate *d = st->displaced;
	struct route_state where = *place; /* a copy, because `place` can point into d->routes */
	size_t kept = 0;

	for (size_t i = 0; i < d->n_routes; i++) {
		if (route_is_same_place(&d->routes[i], &where))
			route_clear(&d->routes[i]);
		else
			d->routes[kept++] = d->routes[i];
	}
	d->n_routes = kept;
}

/* --- the file -------------------------------------------------------------------- */

/* Write the folder of the control socket to path. Return 0 or -ENAMETOOLONG. */
static int folder_of(const struct config *c, char path[PATH_MAX])
{
	char copy[PATH_MAX];

	if ((size_t)snprintf(copy, sizeof(copy), "%s", c->control_socket) >= sizeof(copy))
		return -ENAMETOOLONG;
	snprintf(path, PATH_MAX, "%s", dirname(copy));
	return 0;
}

static int folder_make(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int steering_state_folder(const struct config *c, bool make)
{
	char path[PATH_MAX];
	int err = folder_of(c, path);
	int fd;

	if (!err && make)
		err = folder_make(path);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Return whether this is the user that waymarkd switches to. Root gives the state file to that
 * user. */
static bool is_daemon_user(const struct config *c, uid_t uid)
{
	const struct passwd *user = c->user ? getpwnam(c->user) : NULL;

	return user && user->pw_uid == uid;
}

/* Return whether the state file is trusted. This is checked because the removal of the steering
 * installs the routes and sysctls that the file contains. A file is trusted if its owner is root,
 * this process's user or waymarkd's user. It is also trusted if its owner also owns the folder and
 * is the only one who can write to the folder. */
static bool file_is_trusted(const struct config *c, int folder, const struct stat *sb)
{
	struct stat in;

	if (!S_ISREG(sb->st_mode))
		return false;
	if (sb->st_uid == 0 || sb->st_uid == geteuid() || is_daemon_user(c, sb->st_uid))
		return true;
	return fstat(folder, &in) == 0 && in.st_uid == sb->st_uid &&
	       !(in.st_mode & (S_IWGRP | S_IWOTH));
}

/* Return the whole file as malloc'd text, or NULL with errno. ENOENT: the file is missing or not
 * trusted. */
static char *file_read(const struct config *c, int folder)
{
	int fd = openat(folder, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;
	struct stat sb;
	ssize_t n;

	if (fd < 0) {
		errno = errno == ELOOP ? ENOENT : errno;
		return NULL;
	}
	if (fstat(fd, &sb) == 0 && !file_is_trusted(c, folder, &sb)) {
		close(fd);
		errno = ENOENT;
		return NULL;
	}
	if (fstat(fd, &sb) == 0 && sb.st_size <= FILE_BYTES_MAX)
		text = calloc(1, (size_t)sb.st_size + 1);
	n = text ? read(fd, text, (size_t)sb.st_size) : -1;
	close(fd);
	if (n >= 0)
		return text;
	free(text);
	errno = EIO;
	return NULL;
}

/* Parse a text. If the text is not a valid state, return an empty state, as for a missing file; the
 * next save replaces the file. NULL: out of memory. */
static struct steering_state *state_parse(const char *text)
{
	struct steering_state *st = steering_state_read(text);

	return st || errno == ENOMEM ? st : steering_state_new();
}

struct steering_state *steering_state_load(const struct config *c)
{
	int folder = steering_state_folder(c, false);
	struct steering_state *st;
	char *text;

	if (folder < 0)
		return folder == -ENOENT ? steering_state_new() : (errno = -folder, NULL);
	text = file_read(c, folder);
	if (text)
		st = state_parse(text);
	else
		st = errno == ENOENT ? steering_state_new() : NULL;
	free(text);
	close(folder);
	return st;
}

static int text_write(int fd, const char *text)
{
	int err = bytes_write(fd, text, strlen(text));

	if (err)
		return err;
	return fsync(fd) < 0 ? -errno : 0;
}

static bool file_is(const struct config *c, int folder, const char *text)
{
	char *now = file_read(c, folder);
	bool is_same = now && !strcmp(now, text);

	free(now);
	return is_same;
}

void steering_state_give(const struct config *c, int fd)
{
	const struct passwd *user = NULL;

	if (fd >= 0 && geteuid() == 0 && c->user)
		user = getpwnam(c->user);
	if (user && fchown(fd, user->pw_uid, (gid_t)-1))
		errno = 0; /* waymarkd reports later that it cannot open the file */
}

/* Write a new file and rename it over the old one, so that a complete file always exists. */
static int file_replace(const struct config *c, int folder, const char *text)
{
	int fd = openat(folder, FILE_NAME ".new",
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	int err;

	if (fd < 0)
		return -errno;
	steering_state_give(c, fd);
	err = text_write(fd, text);
	close(fd);
	if (!err && renameat(folder, FILE_NAME ".new", folder, FILE_NAME) < 0)
		err = -errno;
	if (err)
		unlinkat(folder, FILE_NAME ".new", 0);
	else
		fsync(folder);
	return err;
}

int steering_state_save(const struct config *c, const char *text)
{
	int folder = steering_state_folder(c, true);
	int err;

	if (folder < 0)
		return folder;
	err = file_is(c, folder, text) ? 0 : file_replace(c, folder, text);
	close(folder);
	return err;
}

int steering_file_save(const char *control_socket, const char *text)
{
	char *path = strdup(control_socket);
	const struct config place = {.control_socket = path};
	int err = -ENOMEM;

	if (path)
		err = text ? steering_state_save(&place, text) : steering_state_delete(&place);
	free(path);
	return err;
}

int steering_state_delete(const struct config *c)
{
	int folder = steering_state_folder(c, false);
	int err;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	err = unlinkat(folder, FILE_NAME, 0) < 0 && errno != ENOENT ? -errno : 0;
	close(folder);
	return err;
}
