/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.c - switches from root to the user of the configuration, before any file is opened.
 *
 * Two folders must be safe: that of the history and that of the control socket. A folder is safe if
 * it belongs to that user, or if that user can write to it and it belongs to root or is sticky,
 * such as /tmp. Any other owner could replace the files. If only root can enter a folder, waymarkd
 * leaves the folder as it is, stays root and logs why.
 */
#include "daemon/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "waymark/kernel/privilege.h"
#include "waymark/kernel/transaction.h"
#include "waymark/talker/talker.h"

#define FOLDER_MODE 0750
#define PARENT_MODE 0755
#define ROOT_ONLY   1

struct identity {
	const char *user;
	uid_t uid;
	gid_t gid;
};

static int identity_find(const struct config *c, struct identity *id)
{
	const struct passwd *user;
	const struct group *group;

	errno = 0;
	user = getpwnam(c->user);
	group = getgrnam(c->group);
	if ((!user || !group) && errno == ENOMEM) {
		log_err("user '%s' or group '%s' cannot be looked up: %s", c->user, c->group,
			strerror(ENOMEM));
		return -ENOMEM;
	}
	if (!user) {
		log_err("user '%s' does not exist (create the user: useradd --system --user-group "
			"--no-create-home --shell /usr/sbin/nologin %s; or set user = \"root\")",
			c->user, c->user);
		return -ENOENT;
	}
	if (!group)
		log_warning("group '%s' does not exist: only user %s and root may read the history",
			    c->group, c->user);
	*id = (struct identity){c->user, user->pw_uid, group ? group->gr_gid : user->pw_gid};
	return 0;
}

/* --- folders ----------------------------------------------------------------------- */

static bool may_write(const struct stat *st, const struct identity *id)
{
	if (st->st_uid == id->uid)
		return st->st_mode & S_IWUSR;
	return st->st_gid == id->gid ? st->st_mode & S_IWGRP : st->st_mode & S_IWOTH;
}

/* Return whether only root can enter the folder and open its files. */
static bool is_root_only(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IRWXG | S_IRWXO));
}

/* Return 0 if the folder is safe for user `id` (see above), ROOT_ONLY if waymarkd must stay root to
 * use the folder, or -errno, logged. */
static int folder_judge(const char *path, const struct stat *st, const struct identity *id)
{
	if (!S_ISDIR(st->st_mode)) {
		log_err("%s is not a folder", path);
		return -ENOTDIR;
	}
	if (st->st_uid == id->uid || (st->st_mode & S_ISVTX && may_write(st, id)))
		return 0;
	if (st->st_uid != 0) {
		log_err("folder %s belongs to user %u, who could replace the files in it (chown %s "
			"%s, or configure another folder)",
			path, st->st_uid, id->user, path);
		return -EPERM;
	}
	if (may_write(st, id))
		return 0;
	if (is_root_only(st)) {
		log_warning("only root may enter folder %s, so waymarkd stays root (chown %s %s to "
			    "let waymarkd become user '%s')",
			    path, id->user, path, id->user);
		return ROOT_ONLY;
	}
	log_err("user '%s' cannot write in folder %s (chown %s %s, or configure another folder)",
		id->user, path, id->user, path);
	return -EACCES;
}

static int parents_make(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, PARENT_MODE) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int folder_make(const char *path, const struct identity *id)
{
	int err = parents_make(path);

	if (!err && mkdir(path, FOLDER_MODE))
		err = -errno;
	if (!err && lchown(path, id->uid, id->gid))
		err = -errno;
	/* The umask might have cleared the group's bits in mkdir(). */
	if (!err && chmod(path, FOLDER_MODE))
		err = -errno;
	if (err)
		log_err("cannot create folder %s: %s", path, strerror(-err));
	return err;
}

/* Check or create the folder of a file. Return what folder_judge() returns. */
static int folder_prepare(const char *file, const struct identity *id)
{
	char copy[PATH_MAX], *path;
	struct stat st;

	if (snprintf(copy, sizeof(copy), "%s", file) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	path = dirname(copy);
	if (!stat(path, &st))
		return folder_judge(path, &st, id);
	if (errno == ENOENT)
		return folder_make(path, id);
	log_err("cannot read folder %s: %s", path, strerror(errno));
	return -errno;
}

/* --- the switch of the user ---------------------------------------------------------- */

static int identity_become(const struct config *c)
{
	struct identity id;
	int err = identity_find(c, &id);

	if (!err)
		err = folder_prepare(c->database, &id);
	if (!err)
		err = folder_prepare(c->control_socket, &id);
	if (err)
		return err == ROOT_ONLY ? 0 : err;
	err = privilege_become(id.uid, id.gid);
	if (err)
		log_err("cannot become user '%s': %s (set user = \"root\" to stay root)", id.user,
			strerror(-err));
	return err;
}

static int users_look_up(const void *data, FILE *output, FILE *errors)
{
	(void)data;
	(void)output;
	(void)errors;
	getpwnam("root");
	getgrnam("root");
	return 0;
}

int identity_rehearse(void)
{
	struct transaction_reply reply;
	int err = transaction_run(users_look_up, NULL, 0, &reply);

	if (err)
		log_err("cannot look up users: %s",
			reply.errors && *reply.errors ? reply.errors : strerror(-err));
	transaction_clear(&reply);
	return err;
}

struct talker *identity_talker(const struct config *c)
{
	/* If alert.user is not set, use waymarkd's user, so that the talker is root only if
	 * waymarkd is root. */
	const char *name = c->alert.user ? c->alert.user : c->user;
	struct talker_user user = {.name = name};
	struct talker *t = talker_start(&user);

	if (!t && errno == ENOENT)
		log_err("user '%s' for alert programs does not exist (create the user, or set user "
			"in section alert)",
			name);
	else if (!t)
		log_err("cannot start waymark-talker: %s", strerror(errno));
	else if (geteuid() == 0 && !user.is_changed)
		log_warning("waymark-talker, which runs the alert programs, stays root without "
			    "capabilities (set user in section alert)");
	return t;
}

int identity_assume(const struct config *c)
{
	int err = 0;

	umask(0027);
	if (geteuid() == 0 && strcmp(c->user, "root") != 0)
		err = identity_become(c);
	if (err)
		return err;
	err = privilege_seal();
	if (err)
		log_err("cannot drop privileges: %s", strerror(-err));
	return err;
}
