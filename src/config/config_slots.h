/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_slots.h - the slots that a configuration's marks lead to, for the core's
 * own use; everybody else reads them from the uplinks.
 */
#ifndef WAYMARK_SRC_CONFIG_CONFIG_SLOTS_H
#define WAYMARK_SRC_CONFIG_CONFIG_SLOTS_H

#include "waymark/config/config.h"

/* Writes the slot of each uplink, in the order of the file. The marks must be
 * distinct and at most UPLINKS_MAX. */
void config_slots(const struct config *c, uint8_t slots[UPLINKS_MAX]);

/* Without key balance-table: the highest number up to the default that no uplink has. */
void config_choose_balance_table(struct config *c);

/* Sets an uplink's keys to their defaults. */
void config_uplink_set_defaults(struct uplink_config *u);

#endif
