/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_suspects.c - a ring of changes, newest last. Each change is stored with the process that
 * made it.
 *
 * A process may end at any time, so its name is read as soon as the notice arrives. Must not know
 * what follows from a change.
 */
#include "daemon/tamper_suspects.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Number of bits of the largest pid of a 64-bit kernel (include/linux/threads.h, PID_MAX_LIMIT).
 * libnl uses these bits of a port id for the pid. */
#define PID_BITS 22

struct trace {
	struct who who;
	bool is_rule;
	struct rule_state rule;
	struct route_state route; /* without nexthops */
};

struct traces {
	size_t n; /* changes added since the last clear; the next index is n % TRACES_MAX */
	struct trace trace[TRACES_MAX];
	uint32_t links[TRACED_LINKS_MAX];
	size_t n_links; /* above TRACED_LINKS_MAX: any link may have changed */
};

struct traces *tamper_suspects_new(void)
{
	return calloc(1, sizeof(struct traces));
}

void tamper_suspects_free(struct traces *t)
{
	free(t);
}

void tamper_suspects_clear(struct traces *t)
{
	t->n = 0;
	t->n_links = 0;
}

void who_set_name(struct who *w, const char *name)
{
	snprintf(w->process, sizeof(w->process), "%s", name);
	for (char *p = w->process; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/* Read the name of a process. A name may contain newlines, so drop only the newline that the kernel
 * appends. */
static bool process_name(uint32_t pid, struct who *w)
{
	char path[32], name[sizeof(w->process)];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(name, 1, sizeof(name) - 1, file);
	fclose(file);
	name[n && name[n - 1] == '\n' ? n - 1 : n] = '\0';
	who_set_name(w, name);
	return n > 0;
}

/* Return whether a process is in our network namespace. The files of /proc/PID/net have different
 * inodes in each namespace, and any user may read the inode. Reading the link /proc/PID/ns/net
 * needs a privilege that waymarkd does not have. */
static bool shares_network(uint32_t pid)
{
	char path[32];
	struct stat theirs, ours;

	snprintf(path, sizeof(path), "/proc/%u/net/dev", pid);
	return !stat(path, &theirs) && !stat("/proc/self/net/dev", &ours) &&
	       theirs.st_ino == ours.st_ino;
}

static bool status_has_net_admin(const char *line)
{
	unsigned long long set;

	return sscanf(line, "CapEff: %llx", &set) == 1 && set >> CAP_NET_ADMIN & 1;
}

/* Return whether a process has CAP_NET_ADMIN and is not a kernel thread. A kernel thread has no
 * memory of its own, so its status has no line VmSize. */
static bool is_program_with_net_admin(uint32_t pid)
{
	bool has_memory = false, may = false;
	char path[32], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		has_memory |= !strncmp(line, "VmSize:", strlen("VmSize:"));
		may |= status_has_net_admin(line);
	}
	if (file)
		fclose(file);
	return has_memory && may;
}

/* The lower bits of the port id are usually a pid. If higher bits are set, use this pid only if a
 * process has it. The pid can be from another pid namespace, and the process with this pid in our
 * namespace is then another one. If the process that we find is in another network namespace or
 * lacks CAP_NET_ADMIN, it cannot have made the change, so drop its name. */
void who_of_port(struct who *w, uint32_t port)
{
	uint32_t pid = port & ((1u << PID_BITS) - 1);
	bool is_alive;

	memset(w, 0, sizeof(*w));
	w->is_kernel = !port;
	if (!pid)
		return;
	is_alive = process_name(pid, w);
	if (is_alive || pid == port)
		w->pid = pid;
	if (is_alive && !(is_program_with_net_admin(pid) && shares_network(pid)))
		memset(w->process, 0, sizeof(w->process));
}

void who_of_generation(struct who *w, int64_t pid, const char *name)
{
	struct who here = {0};

	memset(w, 0, sizeof(*w));
	who_set_name(w, name);
	if (pid <= 0 || pid > UINT32_MAX)
		return;
	if (!process_name((uint32_t)pid, &here) || !strcmp(here.process, w->process))
		w->pid = pid;
}

void tamper_suspects_add_link(struct traces *t, uint32_t ifindex)
{
	for (size_t i = 0; i < t->n_links && i < TRACED_LINKS_MAX; i++)
		if (t->links[i] == ifindex)
			return;
	if (t->n_links < TRACED_LINKS_MAX)
		t->links[t->n_links] = ifindex;
	if (t->n_links <= TRACED_LINKS_MAX)
		t->n_links++;
}

static struct trace *trace_new(struct traces *t, const struct who *w)
{
	struct trace *at = &t->trace[t->n++ % TRACES_MAX];

	memset(at, 0, sizeof(*at));
	at->who = *w;
	return at;
}

void tamper_suspects_add_route(struct traces *t, const struct route_state *r, const struct who *w)
{
	struct trace *at = trace_new(t, w);

	at->route = *r;
	at->route.nexthops = NULL;
	at->route.extra = NULL;
	at->route.n_nexthops = 0;
	at->route.extra_size = 0;
}

void tamper_suspects_add_rule(struct traces *t, const struct rule_state *r, const struct who *w)
{
	struct trace *at = trace_new(t, w);

	at->is_rule = true;
	at->rule = *r;
}

static size_t traces_oldest(const struct traces *t)
{
	return t->n > TRACES_MAX ? t->n - TRACES_MAX : 0;
}

const struct who *tamper_suspects_of_route(const struct traces *t, const struct route_state *r)
{
	for (size_t i = t->n; i-- > traces_oldest(t);) {
		const struct trace *at = &t->trace[i % TRACES_MAX];

		if (!at->is_rule && route_is_same_place(&at->route, r))
			return &at->who;
	}
	return NULL;
}

const struct who *tamper_suspects_of_rule(const struct traces *t, const struct rule_state *r)
{
	for (size_t i = t->n; i-- > traces_oldest(t);) {
		const struct trace *at = &t->trace[i % TRACES_MAX];

		if (at->is_rule && rule_is_equal(&at->rule, r))
			return &at->who;
	}
	return NULL;
}

static bool traces_has_link(const struct traces *t, uint32_t ifindex)
{
	for (size_t i = 0; i < t->n_links && i < TRACED_LINKS_MAX; i++)
		if (t->links[i] == ifindex)
			return true;
	return t->n_links > TRACED_LINKS_MAX;
}

bool tamper_suspects_has_link_of(const struct traces *t, const struct route_state *r)
{
	for (size_t i = 0; i < r->n_nexthops; i++)
		if (traces_has_link(t, r->nexthops[i].ifindex))
			return true;
	return false;
}
