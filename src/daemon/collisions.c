/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collisions.c - tells at the start what of others on this host meets Waymark's
 * marks, labels, rules and log group (kernel/hostcheck.c finds it). What makes
 * them meaningless refuses the start elsewhere: a log group that is taken as it is
 * opened, an ip rule in the way as the steering is applied.
 */
#include <string.h>

#include "daemon/collisions.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "waymark/hostcheck/hostcheck.h"

static void finding_log(const struct finding *one)
{
	enum log_level level = one->level == FINDING_ERROR ? LOG_LEVEL_ERR : LOG_LEVEL_WARNING;

	if (one->level != FINDING_OK)
		log_line(level, "%s%s%s", one->what, one->fix ? "; " : "",
			 one->fix ? one->fix : "");
}

int collisions_report(struct daemon *d)
{
	struct findings found = {0};
	int err = hostcheck_others(d->config, &found);

	for (size_t i = 0; i < found.n; i++)
		finding_log(&found.list[i]);
	if (err)
		log_err("collisions with others: %s: some may be missing", strerror(-err));
	findings_clear(&found);
	return 0;
}
