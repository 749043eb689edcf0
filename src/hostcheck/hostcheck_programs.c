/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_programs.c - checks settings of other programs that conflict with the steering:
 * systemd-networkd, which removes foreign rules, and files with a saved ruleset.
 *
 * Knows no part of the steering except the name of the nftables table.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/base/shell.h"
#include "waymark/base/sort.h"
#include "waymark/plan/ruleset.h"

/* --- systemd-networkd ---------------------------------------------------------------------- */

/* The name in /proc/PID/comm, which is cut to 15 characters. */
#define NETWORKD_NAME "systemd-network"

#define NETWORKD_FIX                                                                               \
	"mkdir -p /etc/systemd/networkd.conf.d && printf '[Network]\\n"                            \
	"ManageForeignRoutingPolicyRules=no\\nManageForeignRoutes=no\\n' "                         \
	">/etc/systemd/networkd.conf.d/waymark.conf && systemctl restart systemd-networkd"

struct networkd_settings {
	bool manages_rules, manages_routes;
};

static void setting_read(bool *setting, const char *line, const char *name)
{
	static const char *const no[] = {"no", "false", "off", "0", "n", "f"};
	size_t length = strlen(name);
	const char *value;

	if (strncmp(line, name, length))
		return;
	value = line + length + strspn(line + length, " \t=");
	*setting = true;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (!strncasecmp(value, no[i], strcspn(value, " \t\r\n")) && *value != '\n')
			*setting = false;
}

static void settings_read(struct networkd_settings *s, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		const char *start = line + strspn(line, " \t");

		setting_read(&s->manages_rules, start, "ManageForeignRoutingPolicyRules");
		setting_read(&s->manages_routes, start, "ManageForeignRoutes");
	}
	if (file)
		fclose(file);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int names_compare(const void *a, const void *b)
{
	return strcmp(file_name(*(char *const *)a), file_name(*(char *const *)b));
}

/* Read the drop-ins of all folders in the order of their file names: a later one overrides an
 * earlier one. */
static void drop_ins_read(struct networkd_settings *s, const char *root)
{
	static const char *const folders[] = {"usr/lib", "usr/local/lib", "run", "etc"};
	char pattern[PATH_MAX];
	glob_t found = {0};

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s/systemd/networkd.conf.d/*.conf", root,
			 folders[i]);
		glob(pattern, found.gl_pathc ? GLOB_APPEND : 0, NULL, &found);
	}
	if (found.gl_pathc)
		list_sort(found.gl_pathv, found.gl_pathc, sizeof(char *), names_compare);
	for (size_t i = 0; i < found.gl_pathc; i++)
		settings_read(s, found.gl_pathv[i]);
	globfree(&found);
}

void hostcheck_networkd(struct findings *f, const struct config *c, const char *root)
{
	struct networkd_settings s = {true, true};
	char path[PATH_MAX];

	if (c->mode == MODE_AUDIT)
		return;
	snprintf(path, sizeof(path), "%s/etc/systemd/networkd.conf", root);
	settings_read(&s, path);
	drop_ins_read(&s, root);
	if (!s.manages_rules && !s.manages_routes) {
		findings_add(f, FINDING_OK,
			     "systemd-networkd keeps the rules and routes of other programs");
		return;
	}
	findings_add(f, FINDING_WARNING,
		     "systemd-networkd removes the ip rules and routes of other programs at each "
		     "link event%s%s%s",
		     s.manages_rules ? ": ManageForeignRoutingPolicyRules=yes" : ":",
		     s.manages_rules && s.manages_routes ? "," : "",
		     s.manages_routes ? " ManageForeignRoutes=yes" : "");
	findings_fix(f, "%s", NETWORKD_FIX);
}

static bool is_networkd_here(const char *pid)
{
	char path[64], name[32] = "";
	struct stat theirs, ours;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		*name = '\0';
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	if (strcmp(name, NETWORKD_NAME))
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/net/dev", pid);
	return !stat(path, &theirs) && !stat("/proc/self/net/dev", &ours) &&
	       theirs.st_ino == ours.st_ino;
}

/* Check the systemd-networkd that runs in this network namespace. Read its files below
 * /proc/PID/root, because the process may have its own mount namespace. */
static void networkd_checked(struct findings *f, const struct config *c)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char root[64];

	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)*entry->d_name) || !is_networkd_here(entry->d_name))
			continue;
		snprintf(root, sizeof(root), "/proc/%.20s/root", entry->d_name);
		hostcheck_networkd(f, c, root);
		break;
	}
	if (proc)
		closedir(proc);
}

/* --- saved rulesets ------------------------------------------------------------------------ */

void hostcheck_saved_ruleset(struct findings *f, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[1024], quoted[2 * PATH_MAX];
	bool is_found = false;
	regex_t ours;

	if (!file)
		return;
	if (regcomp(&ours,
		    "^[[:space:]]*(add[[:space:]]+|create[[:space:]]+)?table[[:space:]]"
		    "+" RULESET_FAMILY "[[:space:]]+" RULESET_TABLE "([[:space:]{;]|$)",
		    REG_EXTENDED | REG_NOSUB)) {
		fclose(file);
		return;
	}
	while (!is_found && fgets(line, sizeof(line), file))
		is_found = !regexec(&ours, line, 0, NULL, 0);
	regfree(&ours);
	fclose(file);
	if (!is_found)
		return;
	findings_add(f, FINDING_ERROR,
		     "%s holds a saved table " RULESET_FAMILY " " RULESET_TABLE
		     ": while waymarkd runs, the kernel rejects the whole file",
		     path);
	findings_fix(f, "sed -i '/^table " RULESET_FAMILY " " RULESET_TABLE " {/,/^}/d' %s",
		     shell_word(quoted, sizeof(quoted), path));
}

static void saved_rulesets_checked(struct findings *f)
{
	static const char *const patterns[] = {
		"/etc/nftables.conf",
		"/etc/sysconfig/nftables.conf",
		"/etc/nftables.d/*.nft",
		"/etc/nftables/*.nft",
	};
	glob_t found = {0};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		hostcheck_saved_ruleset(f, found.gl_pathv[i]);
	globfree(&found);
}

void hostcheck_programs(struct findings *f, const struct config *c)
{
	networkd_checked(f, c);
	saved_rulesets_checked(f);
}
