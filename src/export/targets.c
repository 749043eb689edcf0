/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * targets.c - the list of all targets.
 */
#include <stddef.h>

#include "export/target.h"

const struct export_target *const export_targets[] = {
	&target_clickhouse,
	&target_ipfix,
	&target_file,
	NULL,
};
