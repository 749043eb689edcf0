/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * destroy_reliability.c - when reliable destroys are left, and when taken again.
 */
#include "daemon/destroy_reliability.h"

#define LEAVE_PERCENT 80
#define TAKE_PERCENT  60

bool destroy_reliability_wanted(bool is_reliable, uint64_t count, uint64_t max)
{
	if (!max)
		return false;
	if (is_reliable)
		return count <= max / 100 * LEAVE_PERCENT + max % 100 * LEAVE_PERCENT / 100;
	return count < max / 100 * TAKE_PERCENT + max % 100 * TAKE_PERCENT / 100;
}
