/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talker_sinks.c - the table of the sinks whose work the talker does.
 */
#include <stddef.h>

#include "talker/talker_internal.h"

const struct sink *const talker_sinks[] = {&talker_exec_sink, &talker_webhook_sink, NULL};
