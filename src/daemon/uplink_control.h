/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_control.h - keeps what operators have decided about uplinks: up, down, drain, auto.
 *
 * The decisions survive a restart, because they are saved in a file beside the history. Call
 * uplink_control_open() before the steering starts. Must not know how health is measured, nor what
 * a decision does to routes.
 */
#ifndef WAYMARK_SRC_DAEMON_UPLINK_CONTROL_H
#define WAYMARK_SRC_DAEMON_UPLINK_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/uplinks.h"
#include "waymark/health/decide.h"

struct uplink_control;
struct daemon;
struct control_peer;

/* The latest order of an operator about an uplink. After an order expires, `word` is OPERATOR_AUTO
 * and `since_ms` is the time of the expiry. */
struct uplink_order {
	enum operator_word word;
	int64_t since_ms, until_ms; /* until_ms 0: valid until the next order */
	char user[32];		    /* who gave the order; "": not known */
	char process[32];	    /* the program that sent the order; "": not known */
};

/* Read the orders from the file. A read failure is only logged. Return 0 or -ENOMEM. */
int uplink_control_open(struct daemon *d);
void uplink_control_close(struct daemon *d);
/* End the orders whose time is over. */
void uplink_control_tick(struct daemon *d, int64_t now_ms);
/* Forget the order of a slot that now belongs to another uplink or to none. */
void uplink_control_forget(struct daemon *d, uint8_t slot);

const struct uplink_order *uplink_control_order(const struct daemon *d, uint8_t slot);

/* Run the order "NAME WORD [SECONDS]" of a client of the control socket. On success set *err to 0
 * and return NULL. On failure set *err to -EPERM, -ENOENT or -EINVAL, and return a malloc'd
 * message, or NULL if memory is short. */
char *uplink_control_obey(struct daemon *d, const char *request, const struct control_peer *peer,
			  int *err);

#endif
