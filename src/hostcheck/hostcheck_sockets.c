/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_sockets.c - reports which process has bound the NFLOG group and which processes
 * listen to conntrack events. It reads proc files of this network namespace. The formats of
 * these files are defined in net/netfilter/nfnetlink_log.c (seq_show) and
 * net/netlink/af_netlink.c (netlink_seq_show).
 */
#include <ctype.h>
#include <dirent.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/kernel/listeners.h"

#define DAEMON_NAME "waymarkd"

struct socket_owner {
	long pid; /* 0: unknown */
	char name[32];
};

/* Return whether one of the descriptors in /proc/PID/fd is the socket `link`, "socket:[INODE]". */
static bool process_has_socket(const char *pid, const char *link)
{
	char folder[64], path[352], target[64];
	struct dirent *entry;
	bool is_found = false;
	DIR *fds;

	snprintf(folder, sizeof(folder), "/proc/%.20s/fd", pid);
	fds = opendir(folder);
	while (fds && !is_found && (entry = readdir(fds))) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		is_found = !strcmp(target, link);
	}
	if (fds)
		closedir(fds);
	return is_found;
}

static void process_name(const char *pid, char *name, int size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "r");
	if (file && fgets(name, size, file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

static struct socket_owner owner_find(unsigned long inode)
{
	struct socket_owner owner = {0, "a process not visible here"};
	struct dirent *entry;
	char link[48];
	DIR *proc = opendir("/proc");

	snprintf(link, sizeof(link), "socket:[%lu]", inode);
	while (proc && !owner.pid && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !process_has_socket(entry->d_name, link))
			continue;
		owner.pid = strtol(entry->d_name, NULL, 10);
		process_name(entry->d_name, owner.name, sizeof(owner.name));
	}
	if (proc)
		closedir(proc);
	return owner;
}

static struct socket_owner owner_of_port(FILE *sockets, unsigned port)
{
	struct socket_owner unknown = {0, "a process not visible here"};
	struct netlink_socket s;
	char line[256];

	while (sockets && fgets(line, sizeof(line), sockets))
		if (netlink_socket_parse(&s, line) && s.protocol == NETLINK_NETFILTER &&
		    s.port == port)
			return owner_find(s.inode);
	return unknown;
}

bool hostcheck_nflog_group(struct findings *f, const struct config *c, FILE *groups, FILE *sockets)
{
	struct socket_owner owner;
	unsigned group, port;
	char line[256];

	while (fgets(line, sizeof(line), groups)) {
		if (sscanf(line, "%u %u", &group, &port) != 2 || group != c->nflog_group)
			continue;
		owner = owner_of_port(sockets, port);
		if (!strcmp(owner.name, DAEMON_NAME)) {
			findings_add(f, FINDING_OK,
				     "NFLOG group %u is used by " DAEMON_NAME " (pid %ld)", group,
				     owner.pid);
			return true;
		}
		findings_add(f, FINDING_ERROR, "NFLOG group %u is used by %s (pid %ld)", group,
			     owner.name, owner.pid);
		findings_fix(f, "set nflog-group to another number, or stop that program");
		return true;
	}
	return false;
}

static void listener_add(struct findings *f, const struct config *c,
			 const struct socket_owner *owner)
{
	bool is_harmed = c->events == EVENTS_MINIMAL;

	findings_add(f, is_harmed ? FINDING_ERROR : FINDING_OK,
		     "%s (pid %ld) listens to conntrack events%s", owner->name, owner->pid,
		     is_harmed ? ", and events = minimal leaves out events that this process needs"
		     : c->events == EVENTS_AUTO ? ", so that events = auto keeps all events on"
						: "");
	if (is_harmed)
		findings_fix(f, "set events = \"auto\" or \"full\"");
}

void hostcheck_listeners(struct findings *f, const struct config *c, FILE *sockets)
{
	struct netlink_socket s;
	struct socket_owner owner;
	char line[256];

	while (fgets(line, sizeof(line), sockets)) {
		if (!netlink_socket_parse(&s, line) || !is_conntrack_listener(&s))
			continue;
		owner = owner_find(s.inode);
		if (strcmp(owner.name, DAEMON_NAME) && owner.pid != (long)getpid())
			listener_add(f, c, &owner);
	}
}
