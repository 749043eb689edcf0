/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uplink_states.h - tracks the state, the addresses and the gateways of each uplink. */
#ifndef WAYMARK_SRC_DAEMON_UPLINK_STATES_H
#define WAYMARK_SRC_DAEMON_UPLINK_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/record.h"

struct uplink_states;
struct daemon;

/* Type of the function that fills in the record's cause, decision and operator: why the uplink has
 * the state in r->state. It is called before a state is published. */
typedef void uplink_states_explain_fn(const struct daemon *d, uint8_t slot,
				      struct uplink_state_record *r);

/* Return 0 or -errno. */
int uplink_states_open(struct daemon *d);
void uplink_states_close(struct daemon *d);
void uplink_states_set_explain(struct daemon *d, uplink_states_explain_fn *fn);
/* Pass the addresses of all uplinks to the audit. */
void uplink_states_follow_addresses(struct daemon *d);
/* Pass the addresses to the audit and determine the states of all uplinks. Log each change of a
 * state, and raise an alert for it. */
void uplink_states_refresh(struct daemon *d);
/* Publish the states that the history does not have yet. Call this only after the uplinks are
 * written to the history. */
void uplink_states_publish(struct daemon *d);
/* Publish the state of each uplink again, because the history has lost it. */
void uplink_states_write(struct daemon *d);
/* Return a number for the uplink's state, different for each state; 0: the state is not known
 * yet. */
uint8_t uplink_states_number(const struct daemon *d, uint8_t slot);
bool uplink_states_is_up(const struct daemon *d, uint8_t slot);
/* Return whether the uplink is drained: its existing flows stay, but new flows do not use it. */
bool uplink_states_is_drained(const struct daemon *d, uint8_t slot);
/* Return whether new flows of this family (0 IPv4, 1 IPv6) can use the uplink. */
bool uplink_states_family_is_up(const struct daemon *d, uint8_t slot, unsigned family);
/* Return whether existing flows of the uplink keep working in this family. */
bool uplink_states_family_carries(const struct daemon *d, uint8_t slot, unsigned family);
/* Forget the state of a slot that now belongs to another uplink or to none. */
void uplink_states_forget(struct daemon *d, uint8_t slot);

#endif
