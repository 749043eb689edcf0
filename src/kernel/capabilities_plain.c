/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities_plain.c - the implementation of capabilities.h with system calls alone.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/capabilities.h"

bool capabilities_include(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

int capabilities_bound(int kept)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap != kept && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	return 0;
}

int capabilities_keep(int kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (kept != CAPABILITY_NONE) {
		data[CAP_TO_INDEX(kept)].permitted = CAP_TO_MASK(kept);
		data[CAP_TO_INDEX(kept)].effective = CAP_TO_MASK(kept);
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

const char *capabilities_library(void)
{
	return "no libcap-ng";
}
