/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities_libcapng.c - the implementation of capabilities.h with libcap-ng.
 */
#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

#include "kernel/capabilities.h"

bool capabilities_include(int capability)
{
	return !capng_get_caps_process() &&
	       capng_have_capability(CAPNG_EFFECTIVE, (unsigned int)capability);
}

/* Return whether the bounding set has no capability except `kept`. The return value of
 * capng_apply() does not show this: if memory is short, capng_apply() can remove nothing and return
 * 0. */
static bool is_bound_to(int kept)
{
	for (int cap = 0, is_in; (is_in = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++)
		if (is_in && cap != kept)
			return false;
	return true;
}

int capabilities_bound(int kept)
{
	if (is_bound_to(kept))
		return 0;
	if (capng_get_caps_process())
		return -EPERM;
	capng_clear(CAPNG_SELECT_BOUNDS);
	if (kept != CAPABILITY_NONE)
		capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, (unsigned int)kept);
	return capng_apply(CAPNG_SELECT_BOUNDS) || !is_bound_to(kept) ? -EPERM : 0;
}

int capabilities_keep(int kept)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (kept != CAPABILITY_NONE)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned int)kept);
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

const char *capabilities_library(void)
{
	return "libcap-ng";
}
