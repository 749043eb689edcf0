/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_control.h - what operators have decided about uplinks: up, down, drain, auto.
 *
 * Kept in a file beside the history, so that it survives a restart. Opened before the
 * steering starts. It must not know health, nor what a decision does to routes.
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

/* The operator's latest word about an uplink. */
struct uplink_order {
	enum operator_word word;
	int64_t since_ms, until_ms; /* until_ms 0: until another word */
	char user[32];		    /* "": not known */
	char process[32];	    /* "": not known */
};

int uplink_control_open(struct daemon *d); /* 0 or -errno, logged */
void uplink_control_close(struct daemon *d);
/* End expired orders. */
void uplink_control_tick(struct daemon *d, int64_t now_ms);
/* The slot now belongs to another uplink, or to none: forget its order. */
void uplink_control_forget(struct daemon *d, uint8_t slot);

const struct uplink_order *uplink_control_order(const struct daemon *d, uint8_t slot);

/* Obey "NAME WORD [SECONDS]" from a client of the control socket. NULL, or why not,
 * malloc'd, with the nearest name where one is meant; -errno in *err: -EPERM, -ENOENT,
 * -EINVAL. */
char *uplink_control_obey(struct daemon *d, const char *request, const struct control_peer *peer,
			  int *err);

#endif
