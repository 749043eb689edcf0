/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_state.h - what the steering found and changed, kept in a file beside
 * the control socket (steering.json), so that whoever removes the steering can
 * leave the machine as it was found.
 *
 * The file is of one boot and one network namespace; one of another is ignored.
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
	char former[SYSCTL_VALUE_MAX]; /* as it was found */
	char set[SYSCTL_VALUE_MAX];    /* as we set it */
};

/* A gateway learnt for an uplink, so that a new process knows it while the
 * routes that taught it are away. */
struct saved_gateway {
	char uplink[UPLINK_NAME_MAX];
	char ifname[IFNAMSIZ];
	uint8_t family;
	struct addr gateway; /* none: point to point */
};

struct steering_state {
	bool is_known;		    /* read from a file of this boot and namespace */
	struct netstate *displaced; /* others' routes; links name their interfaces */
	struct saved_sysctl *sysctls;
	size_t n_sysctls;
	struct saved_gateway *gateways;
	size_t n_gateways;
	uint64_t text_hash;	 /* of the ruleset's text that was loaded; 0: none */
	uint64_t listing_hash;	 /* of its listing right after */
	int64_t labels_since_ms; /* CLOCK_REALTIME: since when its rules label; 0: unknown */
	uint32_t label_base;	 /* of the labels that flows have */
	uint64_t label_slots;	 /* hash: which interface each stands for; 0: unknown */
};

struct steering_state *steering_state_new(void); /* NULL with errno */
void steering_state_free(struct steering_state *st);

/* Append a copy, or replace the entry of the same name. 0 or -ENOMEM. */
int steering_state_keep_sysctl(struct steering_state *st, const char *name, const char *former,
			       const char *set);
int steering_state_keep_gateway(struct steering_state *st, const struct saved_gateway *g);
/* Keep a displaced route, replacing an older one of the same place; s has the
 * links. 0 or -ENOMEM. */
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

/* Open the folder of the state file. Its descriptor or -errno. */
int steering_state_folder(const struct config *c, bool make);
/* As root: give a file to the user of the daemon, who must be able to replace it. */
void steering_state_give(const struct config *c, int fd);

/* FNV-1a, 64 bits, never 0: it only shows whether a text has changed. */
uint64_t text_hash(const char *text);

#endif
