/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_suspects.h - which process touched which route or rule, and which interfaces
 * changed, by the kernel's notices since the last pass.
 */
#ifndef WAYMARK_SRC_DAEMON_TAMPER_SUSPECTS_H
#define WAYMARK_SRC_DAEMON_TAMPER_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/kernel/rtnl.h"

struct who {
	int64_t pid;	  /* in its own pid namespace; 0: not known */
	char process[32]; /* "": not known */
	bool is_kernel;
};

/* A process chooses its own name: replace bytes that are not printable ASCII by '?', so that logs
 * and terminals show a harmless name. */
void who_set_name(struct who *w, const char *name);

/* The process of a netlink port, as far as one can know: a port is a number that
 * its owner chooses, by custom its pid in its own pid namespace, or that pid below other
 * bits. A process here that has this number but cannot have done it is not named. */
void who_of_port(struct who *w, uint32_t port);

/* The process of a ruleset generation: the kernel gives its name, and its number in the
 * first pid namespace, which may be another one's here. */
void who_of_generation(struct who *w, int64_t pid, const char *name);

/* The number of latest changes kept; a flush of more routes leaves the rest without a process
 * name. */
#define TRACES_MAX	 1024
#define TRACED_LINKS_MAX 64

struct traces;

struct traces *tamper_suspects_new(void); /* NULL with errno */
void tamper_suspects_free(struct traces *t);
void tamper_suspects_clear(struct traces *t);

void tamper_suspects_add_link(struct traces *t, uint32_t ifindex);
void tamper_suspects_add_route(struct traces *t, const struct route_state *r, const struct who *w);
void tamper_suspects_add_rule(struct traces *t, const struct rule_state *r, const struct who *w);

/* The process that touched it last; NULL: none was seen. Valid until the next change. */
const struct who *tamper_suspects_of_route(const struct traces *t, const struct route_state *r);
const struct who *tamper_suspects_of_rule(const struct traces *t, const struct rule_state *r);
/* Return whether one of the route's interfaces has changed. */
bool tamper_suspects_has_link_of(const struct traces *t, const struct route_state *r);

#endif
