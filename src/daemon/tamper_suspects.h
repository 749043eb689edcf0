/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_suspects.h - records which process changed which route or rule, and which interfaces
 * changed, from the kernel's notices since the last pass.
 */
#ifndef WAYMARK_SRC_DAEMON_TAMPER_SUSPECTS_H
#define WAYMARK_SRC_DAEMON_TAMPER_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/kernel/rtnl.h"

struct who {
	int64_t pid;	  /* in its own pid namespace; 0: unknown */
	char process[32]; /* "": not known */
	bool is_kernel;
};

/* Set the name, with '?' in place of bytes that are not printable ASCII, because a process chooses
 * its own name, and logs and terminals must show a harmless one. */
void who_set_name(struct who *w, const char *name);

/* Find the process of a netlink port id, as far as possible. The owner of a port chooses its id:
 * usually its pid in its own pid namespace, or that pid with further bits above. A process that has
 * this pid here but cannot have made the change is not named. */
void who_of_port(struct who *w, uint32_t port);

/* Find the process of a ruleset generation. The kernel reports its name, and its pid in the initial
 * pid namespace, which may belong to another process here. */
void who_of_generation(struct who *w, int64_t pid, const char *name);

/* Limits of what is kept. If a process flushes more routes, the further ones are reported without a
 * process. */
#define TRACES_MAX	 1024
#define TRACED_LINKS_MAX 64

struct traces;

struct traces *tamper_suspects_new(void); /* NULL with errno */
void tamper_suspects_free(struct traces *t);
void tamper_suspects_clear(struct traces *t);

void tamper_suspects_add_link(struct traces *t, uint32_t ifindex);
void tamper_suspects_add_route(struct traces *t, const struct route_state *r, const struct who *w);
void tamper_suspects_add_rule(struct traces *t, const struct rule_state *r, const struct who *w);

/* Return the process that changed the route or rule last; NULL: no notice came. Valid until the
 * next change is added. */
const struct who *tamper_suspects_of_route(const struct traces *t, const struct route_state *r);
const struct who *tamper_suspects_of_rule(const struct traces *t, const struct rule_state *r);
/* Return whether one of the route's interfaces has changed. */
bool tamper_suspects_has_link_of(const struct traces *t, const struct route_state *r);

#endif
