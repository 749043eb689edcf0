/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backoff.c - computes how long to wait after a failure, and how long to wait for more rows.
 */
#include "export/backoff.h"

int64_t backoff_ms(unsigned failures, uint32_t random)
{
	int64_t wait = BACKOFF_FIRST_MS;

	while (failures > 1 && wait < BACKOFF_MAX_MS) {
		wait *= 2;
		failures--;
	}
	if (wait > BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	return wait / 2 + (int64_t)(random % (uint32_t)(wait / 2 + 1));
}

static int64_t wait_choose(bool is_urgent, uint32_t random)
{
	int64_t most = is_urgent ? BATCH_URGENT_MS : BATCH_WAIT_MS;

	return most - (int64_t)(random % (uint32_t)(most / 4));
}

bool pace_is_due(struct pace *p, int64_t pending, bool is_urgent, int64_t now_ms, uint32_t random)
{
	if (pending <= 0) {
		p->since_ms = 0;
		return false;
	}
	if (!p->since_ms) {
		p->since_ms = now_ms;
		p->wait_ms = wait_choose(is_urgent, random);
	}
	return pending >= BATCH_ROWS || now_ms - p->since_ms >= p->wait_ms;
}

void pace_restart(struct pace *p)
{
	p->since_ms = 0;
}
