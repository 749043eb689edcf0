/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck.c - runs all checks of a host in the order of the output: sysctls, the network, kernel
 * features, rulesets, listeners, other programs, folders. It opens the files and sockets that the
 * checks read, and closes them. It changes nothing.
 */
#include "waymark/hostcheck/hostcheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/base/shell.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/nflog.h"
#include "waymark/kernel/nft.h"
#include "waymark/kernel/nft_table.h"
#include "waymark/kernel/privilege.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/plan/ruleset.h"
#include "waymark/plan/ruleset_flat.h"
#include "waymark/steering/steering.h"
#include "waymark/plan/sysctl_plan.h"
#include "waymark/kernel/sysctl.h"

#define SYSCTLS_MAX (16 + 4 * UPLINKS_MAX)
/* Size of the receive buffer of a socket that is opened only as a test. */
#define PROBE_BUFFER_BYTES 65536

/* --- sysctls ---------------------------------------------------------------- */

/* Return the rp_filter that the kernel uses for an interface. It is the larger of
 * conf/all/rp_filter and `value`, which is the setting of the interface (ip-sysctl.rst). */
static long rp_filter_in_force(const char *value)
{
	char all[16];
	long here = strtol(value, NULL, 10), there = 0;

	if (!sysctl_read("net/ipv4/conf/all/rp_filter", all, sizeof(all)))
		there = strtol(all, NULL, 10);
	return here > there ? here : there;
}

static bool sysctl_is_fine(const struct sysctl_want *w, const char *value)
{
	if (w->is_rp_filter)
		return rp_filter_in_force(value) != 1;
	return !strcmp(value, w->value);
}

static bool is_read_only(void)
{
	struct statvfs st;

	return !statvfs("/proc/sys", &st) && st.f_flag & ST_RDONLY;
}

/* Report a sysctl with a wrong value. If waymarkd sets the sysctl when it starts, the wrong value
 * is not a problem. */
static void sysctl_wrong_add(struct findings *f, const struct config *c,
			     const struct sysctl_want *w, const char *value)
{
	char name[2 * sizeof(w->name)];

	if (c->sysctl && !is_read_only()) {
		findings_add(f, FINDING_OK, "%s is %s; waymarkd sets it to %s", w->name, value,
			     w->value);
		return;
	}
	findings_add(f, FINDING_WARNING, "%s is %s; Waymark needs %s, so that %s", w->name, value,
		     w->value, w->why);
	findings_fix(f, "sysctl -w %s=%s", shell_word(name, sizeof(name), w->name), w->value);
}

/* Return whether the sysctl belongs to an interface. If such a sysctl is missing, the interface is
 * missing too, and another check reports the interface. */
static bool sysctl_is_of_interface(const struct sysctl_want *w)
{
	return strstr(w->name, "/conf/") || strstr(w->name, "/neigh/");
}

static void sysctl_checked(struct findings *f, const struct config *c, const struct sysctl_want *w)
{
	char value[64];
	int err = sysctl_read(w->name, value, sizeof(value));

	if (!err && sysctl_is_fine(w, value)) {
		findings_add(f, FINDING_OK, "%s is %s", w->name, value);
	} else if (!err) {
		sysctl_wrong_add(f, c, w, value);
	} else if (!sysctl_is_of_interface(w)) {
		findings_add(f, FINDING_WARNING, "cannot read %s: %s (Waymark needs it so that %s)",
			     w->name, strerror(-err), w->why);
		findings_fix(f, "modprobe nf_conntrack");
	}
}

static void forwarding_checked(struct findings *f, const char *name, const char *family)
{
	char value[16];

	if (sysctl_read(name, value, sizeof(value)))
		return;
	if (strcmp(value, "0")) {
		findings_add(f, FINDING_OK, "%s is %s", name, value);
		return;
	}
	findings_add(f, FINDING_WARNING, "%s is 0: this host forwards no %s", name, family);
	findings_fix(f, "sysctl -w %s=1", name);
}

static void hostcheck_sysctls(struct findings *f, const struct config *c)
{
	struct sysctl_want *wants = calloc(SYSCTLS_MAX, sizeof(*wants));
	size_t n, i;

	if (!wants) {
		f->error = -ENOMEM;
		return;
	}
	if (c->sysctl && is_read_only())
		findings_add(f, FINDING_WARNING,
			     "/proc/sys is read-only: waymarkd cannot set the sysctls that are "
			     "reported below");
	n = sysctl_plan(c, wants, SYSCTLS_MAX);
	for (i = 0; i < n; i++)
		sysctl_checked(f, c, &wants[i]);
	free(wants);
	forwarding_checked(f, "net/ipv4/ip_forward", "IPv4");
	forwarding_checked(f, "net/ipv6/conf/all/forwarding", "IPv6");
}

/* --- kernel features --------------------------------------------------------------- */

static void events_checked(struct findings *f)
{
	struct conntrack *events = conntrack_open(PROBE_BUFFER_BYTES);

	if (events) {
		findings_add(f, FINDING_OK, "the kernel sends conntrack events");
	} else {
		findings_add(f, FINDING_ERROR, "cannot subscribe to conntrack events: %s",
			     strerror(errno));
		findings_fix(f, "modprobe nf_conntrack_netlink");
	}
	conntrack_close(events);
}

/* The file nfnetlink_log, which only root can read, shows which netlink port has bound the
 * group. */
bool hostcheck_log_group(const struct config *c, struct findings *f)
{
	FILE *groups = fopen("/proc/net/netfilter/nfnetlink_log", "r");
	FILE *sockets = fopen("/proc/net/netlink", "r");
	bool is_taken = groups && hostcheck_nflog_group(f, c, groups, sockets);

	if (groups)
		fclose(groups);
	if (sockets)
		fclose(sockets);
	return is_taken;
}

static void nflog_checked(struct findings *f, const struct config *c)
{
	struct nflog *log;
	int err;

	if (hostcheck_log_group(c, f))
		return;
	log = nflog_open(c->nflog_group, PROBE_BUFFER_BYTES);
	err = errno;
	if (log) {
		findings_add(f, FINDING_OK, "NFLOG group %u is free", c->nflog_group);
	} else {
		findings_add(f, FINDING_ERROR, "cannot use NFLOG group %u: %s", c->nflog_group,
			     strerror(err));
		findings_fix(f, err == EBUSY ? "set nflog-group to another number"
					     : "modprobe nfnetlink_log");
	}
	nflog_close(log);
}

#define ACCOUNTING "net/netfilter/nf_conntrack_acct"

/* Check whether the kernel accepts the ruleset, without installing the ruleset. Return 0 or -errno.
 * The check of a rule with `ct reply packets` switches conntrack accounting on. Therefore the
 * sysctl is restored afterwards. */
static int ruleset_try(struct nft *nft, const char *text)
{
	char before[16], after[16];
	bool is_known = sysctl_read(ACCOUNTING, before, sizeof(before)) == 0;
	int err = nft_check(nft, text);

	if (is_known && !sysctl_read(ACCOUNTING, after, sizeof(after)) && strcmp(before, after))
		sysctl_write(ACCOUNTING, before);
	return err;
}

static void ruleset_checked(struct findings *f, const struct config *c, struct nft *nft)
{
	char *text = ruleset_render(c, false);
	/* Use another name for the table: if a running waymarkd owns the table, the kernel would
	 * refuse the check. */
	char *other = text ? ruleset_stand_in(text) : NULL;
	const char *said;

	free(text);
	if (!other) {
		f->error = -ENOMEM;
		return;
	}
	if (!ruleset_try(nft, other)) {
		findings_add(f, FINDING_OK, "the kernel accepts Waymark's ruleset");
	} else {
		said = nft_error(nft);
		findings_add(f, FINDING_ERROR, "the kernel refuses Waymark's ruleset: %.*s",
			     (int)strcspn(said ? said : "", "\n"), said ? said : "");
		findings_fix(f, "modprobe -a nf_tables nft_ct nft_log");
	}
	free(other);
}

/* Report our table if it remained after a waymarkd that owned it was killed. It then has only the
 * flag persist. libnftables before 1.1 does not know this flag and prints another text for it. A
 * newer one can load the table from a file, so there is nothing to report. `json` is the listing of
 * all tables; NULL: the library could not make it. */
static void left_table_checked(struct findings *f, const char *json)
{
	if (!nft_table_is_left(RULESET_TABLE) || (json && strstr(json, "\"persist\"")))
		return;
	findings_add(f, FINDING_WARNING,
		     "table " RULESET_FAMILY " " RULESET_TABLE " was left by a waymarkd that was "
		     "killed while it protected the table: nft cannot load a ruleset that is saved "
		     "now");
	findings_fix(f, "systemctl start waymarkd");
}

static void rules_of_others_checked(struct findings *f, const struct config *c, struct nft *nft)
{
	char *json = nft_list_ruleset_json(nft);

	left_table_checked(f, json);
	if (json)
		hostcheck_rulesets(f, c, json);
	else
		findings_add(f, FINDING_WARNING, "cannot list the rulesets of other programs: %s",
			     strerror(errno));
	free(json);
}

static void rulesets_checked(struct findings *f, const struct config *c, bool is_ours_too)
{
	struct nft *nft = nft_open();

	if (!nft) {
		findings_add(f, FINDING_ERROR, "cannot use nftables: %s", strerror(errno));
		findings_fix(f, "modprobe nf_tables");
		return;
	}
	if (is_ours_too)
		ruleset_checked(f, c, nft);
	rules_of_others_checked(f, c, nft);
	nft_close(nft);
}

static void legacy_iptables_checked(struct findings *f, const char *path, const char *program)
{
	FILE *names = fopen(path, "r");
	char line[64];

	while (names && fgets(line, sizeof(line), names)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "mangle"))
			continue;
		findings_add(
			f, FINDING_WARNING,
			"table mangle of %s-legacy is in use, and waymark cannot read its rules",
			program);
		findings_fix(f, "run '%s-legacy -t mangle -S' to see whether its rules set marks",
			     program);
	}
	if (names)
		fclose(names);
}

static void listeners_checked(struct findings *f, const struct config *c)
{
	FILE *sockets = fopen("/proc/net/netlink", "r");

	if (!sockets)
		return;
	hostcheck_listeners(f, c, sockets);
	fclose(sockets);
}

/* Return whether this process has CAP_NET_ADMIN in the user namespace that owns the network
 * namespace. To find out, try to subscribe to events: for root of another user namespace, the
 * kernel returns EPERM. */
static bool is_permitted(void)
{
	struct conntrack *events = conntrack_open(PROBE_BUFFER_BYTES);
	bool is_refused = !events && errno == EPERM;

	conntrack_close(events);
	return privilege_has_net_admin() && !is_refused;
}

static void privileged_checked(struct findings *f, const struct config *c)
{
	char command[CONFIG_COMMAND_SIZE];

	if (!is_permitted()) {
		findings_add(f, FINDING_WARNING,
			     "conntrack events, the NFLOG group and the rulesets were not checked: "
			     "CAP_NET_ADMIN is missing");
		findings_fix(f, "sudo %s", config_command(c, command, sizeof(command), "check"));
		return;
	}
	events_checked(f);
	nflog_checked(f, c);
	rulesets_checked(f, c, true);
}

/* --- the network ---------------------------------------------------------------- */

static bool is_mark_valid(void)
{
	char value[16];

	return !sysctl_read("net/ipv4/conf/all/src_valid_mark", value, sizeof(value)) &&
	       !strcmp(value, "1");
}

static struct steering *steering_opened(const struct config *c,
					const struct uplink_decisions *decisions)
{
	struct steering *steering = steering_open(c);

	for (size_t i = 0; steering && i < c->n_uplinks; i++)
		steering_set_decision(steering, c->uplinks[i].slot,
				      decisions->by_slot[c->uplinks[i].slot]);
	return steering;
}

static void network_checked(struct findings *f, const struct config *c,
			    const struct uplink_decisions *decisions)
{
	struct steering *steering = steering_opened(c, decisions);
	char *plan = NULL;
	size_t size;
	FILE *out = open_memstream(&plan, &size);
	int err = !steering || !out ? -errno : steering_print(steering, out);

	if (out)
		fclose(out);
	free(plan);
	if (err) {
		findings_add(f, FINDING_ERROR, "cannot read links, addresses and routes: %s",
			     strerror(-err));
	} else {
		const struct netstate *s = steering_netstate(steering);

		hostcheck_uplinks(f, c, s, steering_plan(steering));
		hostcheck_rules(f, c, s, steering_plan(steering));
		hostcheck_tproxy(f, s, is_mark_valid());
		hostcheck_tables(f, c, s);
		hostcheck_listen(f, c, s);
		hostcheck_installed(f, c, s, steering_plan(steering));
	}
	steering_close(steering);
}

/* --- all checks ------------------------------------------------------------------- */

static void programs_checked(struct findings *f, const struct config *c)
{
	listeners_checked(f, c);
	legacy_iptables_checked(f, "/proc/net/ip_tables_names", "iptables");
	legacy_iptables_checked(f, "/proc/net/ip6_tables_names", "ip6tables");
}

static void folders_checked(struct findings *f, const struct config *c)
{
	hostcheck_folder(f, "alert json", c->alert.json);
	hostcheck_folder(f, "prometheus textfile", c->prometheus.textfile);
}

int hostcheck_run(const struct config *c, const struct uplink_decisions *decisions,
		  struct findings *f)
{
	hostcheck_sysctls(f, c);
	network_checked(f, c, decisions);
	privileged_checked(f, c);
	programs_checked(f, c);
	hostcheck_programs(f, c);
	folders_checked(f, c);
	return f->error;
}

/* Check the rules and routes of the snapshot for conflicts with the plan that waymarkd would make
 * from this snapshot. */
static void plan_checked(struct findings *f, const struct config *c, const struct netstate *s)
{
	struct learnt_gateways learnt = {0};
	struct route_plan *plan;

	learnt_gateways_update(&learnt, c, s);
	plan = route_plan_new(c, s, &learnt, NULL);
	if (!plan) {
		f->error = -ENOMEM;
		return;
	}
	hostcheck_rules(f, c, s, plan);
	hostcheck_tproxy(f, s, is_mark_valid());
	hostcheck_tables(f, c, s);
	route_plan_free(plan);
}

int hostcheck_routing(const struct config *c, struct findings *f)
{
	struct rtnl *rtnl = rtnl_open();
	struct netstate *s = rtnl ? rtnl_snapshot(rtnl) : NULL;

	if (s)
		plan_checked(f, c, s);
	else
		findings_add(f, FINDING_WARNING, "cannot read ip rules: %s", strerror(errno));
	netstate_free(s);
	rtnl_close(rtnl);
	return f->error;
}

int hostcheck_others(const struct config *c, struct findings *f)
{
	hostcheck_routing(c, f);
	if (is_permitted()) {
		nflog_checked(f, c);
		rulesets_checked(f, c, false);
	}
	programs_checked(f, c);
	hostcheck_programs(f, c);
	return f->error;
}
