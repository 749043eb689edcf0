/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privileges.c - drops the privileges of root.
 */
#include "export/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int group_join(const char *name)
{
	const struct group *group = name ? getgrnam(name) : NULL;
	gid_t id = group ? group->gr_gid : 0;

	return setgroups(group ? 1 : 0, &id) < 0 ? -errno : 0;
}

static int capabilities_clear(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}, {0}};

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int privileges_drop(const char *group)
{
	const struct passwd *user;
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (geteuid() != 0)
		return 0;
	user = getpwnam(EXPORT_USER);
	err = group_join(group);
	if (err < 0)
		return err;
	if (!user)
		return capabilities_clear();
	if (setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
		return -errno;
	return 0;
}
