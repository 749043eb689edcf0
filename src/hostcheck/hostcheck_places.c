/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_places.c - checks that folders which waymarkd does not create exist, and that this host
 * has the address that waymarkd listens on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/base/shell.h"

static void folder_of(char *folder, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, size, "%.*s", slash && slash > path ? (int)(slash - path) : 1,
		 slash ? path : ".");
}

void hostcheck_folder(struct findings *f, const char *key, const char *path)
{
	char folder[PATH_MAX], quoted[2 * PATH_MAX];
	struct stat st;

	if (!path)
		return;
	folder_of(folder, sizeof(folder), path);
	if (!stat(folder, &st) && S_ISDIR(st.st_mode))
		return;
	findings_add(f, FINDING_ERROR, "%s: the folder %s %s", key, folder,
		     errno == ENOENT ? "is missing" : "cannot be used");
	if (errno == ENOENT)
		findings_fix(f, "mkdir -p %s", shell_word(quoted, sizeof(quoted), folder));
}

static bool address_is_any(const struct addr *a)
{
	for (size_t i = 0; i < addr_size(a->family); i++)
		if (a->bytes[i])
			return false;
	return true;
}

static bool address_is_loopback(const struct addr *a)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	return a->family == AF_INET ? a->bytes[0] == 127 : !memcmp(a->bytes, loopback6, 16);
}

void hostcheck_listen(struct findings *f, const struct config *c, const struct netstate *s)
{
	const struct addr *a = &c->prometheus.addr;
	char text[ADDR_STRLEN];

	if (!c->prometheus.port || address_is_any(a) || address_is_loopback(a))
		return;
	for (size_t i = 0; i < s->n_addrs; i++)
		if (addr_is_equal(a, &s->addrs[i].prefix.addr))
			return;
	findings_add(f, FINDING_ERROR, "prometheus listen: this host has no address %s",
		     addr_format(a, text));
	findings_fix(f, "set listen to an address that 'ip addr' shows, or to 127.0.0.1");
}
