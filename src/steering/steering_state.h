/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_state.h - keeps what the steering found and changed in a file beside the control socket
 * (steering.json), so that any process that removes the steering can restore the former state.
 *
 * The file belongs to one boot and one network namespace. A file of another one is ignored.
 */
#ifndef WAYMARK_SRC_STEERING_STEERING_STATE_H
#define WAYMARK_SRC_STEERING_STEERING_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

#define SYSCTL_NAME_MAX	 128
#define SYSCTL_VALUE_MAX 64

struct saved_sysctl {
	char name[SYSCTL_NAME_MAX];
	char former[SYSCTL_VALUE_MAX]; /* the value that we found */
	char set[SYSCTL_VALUE_MAX];    /* the value that we set */
};

/* A gateway learnt for an uplink, so that a new process knows it while the routes are missing from
 * which it was learnt. */
struct saved_gateway {
	char uplink[UPLINK_NAME_MAX];
	char ifname[IFNAMSIZ];
	uint8_t family;
	struct addr gateway; /* none: point to point */
};

struct steering_state {
	bool is_known;		    /* read from a file of this boot and namespace */
	struct netstate *displaced; /* foreign routes, and the links that they use */
	struct saved_sysctl *sysctls;
	size_t n_sysctls;
	struct saved_gateway *gateways;
	size_t n_gateways;
	uint64_t text_hash;	 /* of the ruleset's text when it was loaded; 0: none */
	uint64_t listing_hash;	 /* of nft's listing right after the load */
	int64_t labels_since_ms; /* CLOCK_REALTIME: since when the rules label flows; 0: unknown */
	uint32_t label_base;	 /* first bit of the labels that flows carry */
	uint64_t label_slots;	 /* hash of the interfaces that labels stand for; 0: unknown */
};

struct steering_state *steering_state_new(void); /* NULL with errno */
void steering_state_free(struct steering_state *st);

/* Append a copy, or replace the entry of the same name. 0 or -ENOMEM. */
int steering_state_keep_sysctl(struct steering_state *st, const char *name, const char *former,
			       const char *set);
int steering_state_keep_gateway(struct steering_state *st, const struct saved_gateway *g);
/* Keep a displaced route in place of an older one at the same place. s has the links of its
 * nexthops. Return 0 or -ENOMEM. */
int steering_state_keep_route(struct steering_state *st, const struct route_state *r,
			      const struct netstate *s);
/* Forget the displaced routes of this place. */
void steering_state_drop_route(struct steering_state *st, const struct route_state *place);

/* Format the state as JSON (malloc'd) and parse it. NULL with errno; EBADMSG: the
 * text is not a state. */
char *steering_state_write(const struct steering_state *st);
struct steering_state *steering_state_read(const char *text);

/* Load, save and delete the state file. Load returns an empty state if the file is
 * missing or from another boot or namespace; NULL with errno on failure. Save
 * creates a missing folder; text is the formatted state. */
struct steering_state *steering_state_load(const struct config *c);
int steering_state_save(const struct config *c, const char *text);
int steering_state_delete(const struct config *c);

/* Open the folder of the state file; make: create it if it is missing. Return its descriptor or
 * -errno. */
int steering_state_folder(const struct config *c, bool make);
/* If we are root, make waymarkd's user the owner of a file, because waymarkd must be able to
 * replace it. */
void steering_state_give(const struct config *c, int fd);

/* FNV-1a, 64 bits, never 0: it only shows whether a text has changed. */
uint64_t text_hash(const char *text);

#endif
