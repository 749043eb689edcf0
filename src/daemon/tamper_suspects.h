/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_suspects.h - keeps what the kernel's notices have shown since the last pass (tamper.h):
 * the routes and rules that processes changed, these processes, and the interfaces that changed.
 */
#ifndef WAYMARK_SRC_DAEMON_TAMPER_SUSPECTS_H
#define WAYMARK_SRC_DAEMON_TAMPER_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/kernel/rtnl.h"

struct who {
	int64_t pid;	  /* pid in the pid namespace of the process or in the initial pid
			   * namespace; 0: unknown */
	char process[32]; /* "": not known */
	bool is_kernel;
};

/* Set the name of a process. Replace bytes that are not printable ASCII with '?': a process chooses
 * its own name, and the name is shown in logs and on terminals. */
void who_set_name(struct who *w, const char *name);

/* Find the process that owns a netlink port id, as far as possible. A process chooses its port id:
 * usually its pid in its own pid namespace, or this pid with additional higher bits. In our pid
 * namespace another process can have the same pid. If the process that we find cannot have made the
 * change, leave the name empty. Port id 0 is the kernel. */
void who_of_port(struct who *w, uint32_t port);

/* Find the process that made a ruleset generation, that is, one transaction. `name` and `pid` are
 * from the kernel, and `pid` is valid in the initial pid namespace. If a process with another name
 * has this pid in our pid namespace, set only the name. */
void who_of_generation(struct who *w, int64_t pid, const char *name);

/* Maximum numbers of changes and interfaces that are kept. If processes change more routes and
 * rules, the oldest changes are forgotten and later reported without a process. If more interfaces
 * change, every interface counts as changed. */
#define TRACES_MAX	 1024
#define TRACED_LINKS_MAX 64

struct traces;

struct traces *tamper_suspects_new(void); /* NULL with errno */
void tamper_suspects_free(struct traces *t);
void tamper_suspects_clear(struct traces *t);

void tamper_suspects_add_link(struct traces *t, uint32_t ifindex);
void tamper_suspects_add_route(struct traces *t, const struct route_state *r, const struct who *w);
void tamper_suspects_add_rule(struct traces *t, const struct rule_state *r, const struct who *w);

/* Return the process that changed the route or rule last, or NULL if no notice of a change is kept.
 * The result is valid until the next change is added. */
const struct who *tamper_suspects_of_route(const struct traces *t, const struct route_state *r);
const struct who *tamper_suspects_of_rule(const struct traces *t, const struct rule_state *r);
/* Return whether one of the route's interfaces has changed. */
bool tamper_suspects_has_link_of(const struct traces *t, const struct route_state *r);

#endif
