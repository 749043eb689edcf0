/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_slots.h - functions that only the files of src/config/ call: the assignment of
 * slots, and helpers of the parser.
 */
#ifndef WAYMARK_SRC_CONFIG_CONFIG_SLOTS_H
#define WAYMARK_SRC_CONFIG_CONFIG_SLOTS_H

#include "waymark/config/config.h"

/* Set slots[i] to the slot of uplink i. The marks must be distinct, and there must be at most
 * UPLINKS_MAX uplinks. */
void config_slots(const struct config *c, uint8_t slots[UPLINKS_MAX]);

/* If the file does not set balance-table, use the default. If the default is the table of an
 * uplink, use the next lower number that is no uplink's table. */
void config_choose_balance_table(struct config *c);

/* Free the strings and lists that the uplink owns. */
void config_uplink_clear(struct uplink_config *u);

#endif
