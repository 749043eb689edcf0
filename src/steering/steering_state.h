/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_state.h - saves the former values of what the steering changed. The file (steering.json)
 * is beside the control socket, where any process that removes the steering finds it and can
 * restore the values.
 *
 * A file that was written in another boot or another network namespace is ignored.
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

/* The gateway of an uplink, as learnt from a route. If that route has been deleted when a new
 * process starts, the process uses the gateway that is saved here. */
struct saved_gateway {
	char uplink[UPLINK_NAME_MAX];
	char ifname[IFNAMSIZ];
	uint8_t family;
	struct addr gateway; /* none: the interface is point-to-point */
};

struct steering_state {
	bool is_known;		    /* the former values are known: they were read from a file of
				     * this boot and namespace, or saved by this process */
	struct netstate *displaced; /* foreign routes that ours displaced, and the links that these
				     * routes use */
	struct saved_sysctl *sysctls;
	size_t n_sysctls;
	struct saved_gateway *gateways;
	size_t n_gateways;
	uint64_t text_hash;	 /* hash of the loaded ruleset text; 0: no ruleset is loaded */
	uint64_t listing_hash;	 /* hash of nft's listing made immediately after the load; 0:
				  * none */
	int64_t labels_since_ms; /* when rules began to label flows; CLOCK_REALTIME; 0: unknown */
	uint32_t label_base;	 /* our first connlabel bit in the labels of flows */
	uint64_t label_slots;	 /* hash of what each label bit stands for; 0: unknown */
};

struct steering_state *steering_state_new(void); /* NULL with errno */
void steering_state_free(struct steering_state *st);

/* steering_state_keep_sysctl() adds a sysctl. If the state already has the sysctl, the function
 * replaces only the value that we set, and keeps the first former value.
 * steering_state_keep_gateway() adds a gateway, or replaces the gateway of the same uplink and
 * family. Both return 0 or -ENOMEM. */
int steering_state_keep_sysctl(struct steering_state *st, const char *name, const char *former,
			       const char *set);
int steering_state_keep_gateway(struct steering_state *st, const struct saved_gateway *g);
/* Keep a displaced route, in place of an older one that was kept for the same place. `s` must
 * contain the links of the route's nexthops. Return 0 or -ENOMEM. */
int steering_state_keep_route(struct steering_state *st, const struct route_state *r,
			      const struct netstate *s);
/* Forget the displaced routes at this place. */
void steering_state_drop_route(struct steering_state *st, const struct route_state *place);

/* steering_state_write() formats the state as malloc'd JSON. steering_state_read() parses such a
 * text; if the text is from another boot or namespace, the result is an empty state. On failure
 * both return NULL with errno; EBADMSG: the text is not a state. */
char *steering_state_write(const struct steering_state *st);
struct steering_state *steering_state_read(const char *text);

/* Load, save and delete the state file. Load returns an empty state if the file is missing, not
 * trusted, not valid, or from another boot or namespace. On any other failure load returns NULL
 * with errno. Save creates the folder if it is missing; 'text' is the result of
 * steering_state_write(). */
struct steering_state *steering_state_load(const struct config *c);
int steering_state_save(const struct config *c, const char *text);
int steering_state_delete(const struct config *c);

/* Open the folder of the state file. 'make' true: create the folder if it is missing. Return the
 * folder's descriptor or -errno. */
int steering_state_folder(const struct config *c, bool make);
/* If we are root, make the user of the configuration the owner of a file, because waymarkd runs as
 * that user and must be able to replace the file. */
void steering_state_give(const struct config *c, int fd);

/* Return a hash of a text (FNV-1a, 64 bits), never 0. The hash is only used to find out whether a
 * text has changed. */
uint64_t text_hash(const char *text);

#endif
