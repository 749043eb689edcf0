/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_slots.h - parts of a configuration for its own files: slots that marks lead to,
 * which others read from the uplinks, and defaults.
 */
#ifndef WAYMARK_SRC_CONFIG_CONFIG_SLOTS_H
#define WAYMARK_SRC_CONFIG_CONFIG_SLOTS_H

#include "waymark/config/config.h"

/* Writes the slot of each uplink, in the order of the file. The marks must be
 * distinct and at most UPLINKS_MAX. */
void config_slots(const struct config *c, uint8_t slots[UPLINKS_MAX]);

/* Without key balance-table: the highest number up to the default that no uplink has. */
void config_choose_balance_table(struct config *c);

/* Free what its keys own. */
void config_uplink_clear(struct uplink_config *u);

#endif
