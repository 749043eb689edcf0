/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_rulesets.c - finds nftables rules of other programs that affect the marks, labels,
 * events or NFLOG group that Waymark uses. It reads nft's JSON. mark_writers.c finds which bits of
 * a mark a rule can change.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/base/shell.h"
#include "waymark/hostcheck/mark_writers.h"
#include "waymark/plan/ruleset.h"

#define LABELS_OURS (LABELS_RESERVED + UPLINKS_MAX)

struct rule_place {
	struct findings *findings;
	const struct config *config;
	const char *family, *table, *chain;
	json_int_t handle;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

/* Return whether `expression` is {`type`: {"key": `key`}}, such as {"ct": {"key": "label"}}. */
static bool is_key(const json_t *expression, const char *type, const char *key)
{
	const json_t *inner = json_object_get(expression, type);

	return inner && !strcmp(text_of(inner, "key"), key);
}

static void fix_by_deleting(const struct rule_place *p)
{
	char table[256], chain[256];

	findings_fix(p->findings, "nft delete rule %s %s %s handle %" JSON_INTEGER_FORMAT,
		     p->family, shell_word(table, sizeof(table), p->table),
		     shell_word(chain, sizeof(chain), p->chain), p->handle);
}

static void xt_found(const struct rule_place *p, const struct mark_writer *w)
{
	bool is_named = *w->target != '?';
	char table[256], chain[256];

	findings_add(p->findings, FINDING_WARNING,
		     "table %s %s, chain %s has an iptables rule%s%s that may write marks; waymark "
		     "cannot read which bits",
		     p->family, p->table, p->chain, is_named ? " with target " : "",
		     is_named ? w->target : "");
	findings_fix(p->findings,
		     "run '%s -t %s -S %s' to see the bits; the bits 0x%" PRIx32 " are Waymark's",
		     !strcmp(p->family, "ip6") ? "ip6tables" : "iptables",
		     shell_word(table, sizeof(table), p->table),
		     shell_word(chain, sizeof(chain), p->chain), p->config->mark_mask);
}

static void mark_found(const struct rule_place *p, const struct mark_writer *w)
{
	uint32_t written = w->bits & p->config->mark_mask;
	const char *name = w->is_ct ? "ct mark" : "packet mark";

	if (!written)
		return;
	if (p->config->mode == MODE_AUDIT) {
		findings_add(p->findings, FINDING_OK,
			     "table %s %s, chain %s sets bits 0x%" PRIx32
			     " of the %s, as mode audit "
			     "expects of another tool",
			     p->family, p->table, p->chain, written, name);
		return;
	}
	findings_add(p->findings, FINDING_ERROR,
		     "table %s %s, chain %s writes bits 0x%" PRIx32 " of the %s, which are "
		     "Waymark's (mark-mask 0x%" PRIx32 ")",
		     p->family, p->table, p->chain, written, name, p->config->mark_mask);
	fix_by_deleting(p);
}

struct checking {
	struct findings *findings;
	const struct config *config;
};

static void writer_checked(void *data, const struct mark_writer *w)
{
	const struct checking *c = data;
	struct rule_place place = {
		.findings = c->findings,
		.config = c->config,
		.family = w->family,
		.table = w->table,
		.chain = w->chain,
		.handle = (json_int_t)w->handle,
	};

	if (w->is_xt)
		xt_found(&place, w);
	else
		mark_found(&place, w);
}

static void label_checked(const struct rule_place *p, const json_t *value)
{
	json_int_t bit = json_integer_value(value);
	json_int_t first = p->config->label_base;

	if (json_is_integer(value) && (bit < first || bit >= first + LABELS_OURS))
		return;
	findings_add(
		p->findings, json_is_integer(value) ? FINDING_ERROR : FINDING_WARNING,
		"table %s %s, chain %s sets connlabels that are, or may be, Waymark's (%u to %u)",
		p->family, p->table, p->chain, p->config->label_base,
		p->config->label_base + LABELS_OURS - 1);
	fix_by_deleting(p);
}

static void events_checked(const struct rule_place *p)
{
	findings_add(
		p->findings, FINDING_WARNING,
		"table %s %s, chain %s limits conntrack events, so that waymarkd may miss flows",
		p->family, p->table, p->chain);
	fix_by_deleting(p);
}

static void mangle_checked(const struct rule_place *p, const json_t *mangle)
{
	const json_t *key = json_object_get(mangle, "key");
	const json_t *value = json_object_get(mangle, "value");

	if (is_key(key, "ct", "label"))
		label_checked(p, value);
	else if (is_key(key, "ct", "event"))
		events_checked(p);
}

static void log_checked(const struct rule_place *p, const json_t *log)
{
	const json_t *group = json_object_get(log, "group");

	if (!json_is_integer(group) || json_integer_value(group) != p->config->nflog_group)
		return;
	findings_add(p->findings, FINDING_WARNING,
		     "table %s %s, chain %s logs to NFLOG group %u, which is Waymark's", p->family,
		     p->table, p->chain, p->config->nflog_group);
	findings_fix(p->findings, "set nflog-group to a number that no rule uses");
}

/* Report a strict reverse path check. The fix deletes the rule, but for firewalld, which would add
 * the rule again, the fix changes a setting. */
static void strict_filter_add(const struct rule_place *p)
{
	findings_add(p->findings, FINDING_WARNING,
		     "table %s %s, chain %s has a strict reverse path check (fib saddr iif oif "
		     "missing): the balanced route gives each source address one uplink, and the "
		     "check drops packets that arrive by another uplink",
		     p->family, p->table, p->chain);
	if (!strcmp(p->table, "firewalld"))
		findings_fix(p->findings, "sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=loose/' "
					  "/etc/firewalld/firewalld.conf && firewall-cmd --reload");
	else
		fix_by_deleting(p);
}

/* Return whether the match is "fib saddr [. mark] . iif oif missing". nft prints "missing" as
 * false, 0 or "0", depending on its version. */
static bool is_strict_filter(const json_t *match)
{
	const json_t *fib = json_object_get(json_object_get(match, "left"), "fib");
	const json_t *right = json_object_get(match, "right"), *flag;
	bool has_source = false, has_input = false;
	size_t i;

	if (!fib || strcmp(text_of(fib, "result"), "oif") || strcmp(text_of(match, "op"), "==") ||
	    !(json_is_false(right) || (json_is_integer(right) && !json_integer_value(right)) ||
	      !strcmp(json_is_string(right) ? json_string_value(right) : "", "0")))
		return false;
	json_array_foreach(json_object_get(fib, "flags"), i, flag)
	{
		has_source |=
			!strcmp(json_string_value(flag) ? json_string_value(flag) : "", "saddr");
		has_input |= !strcmp(json_string_value(flag) ? json_string_value(flag) : "", "iif");
	}
	return has_source && has_input;
}

static void filter_checked(const struct rule_place *p, const json_t *statements)
{
	bool is_strict = false, drops = false;
	const json_t *statement;
	size_t i;

	json_array_foreach(statements, i, statement)
	{
		is_strict |= is_strict_filter(json_object_get(statement, "match"));
		drops |= json_object_get(statement, "drop") != NULL;
	}
	if (is_strict && drops && p->config->mode == MODE_STEER && p->config->balance)
		strict_filter_add(p);
}

static void statement_checked(const struct rule_place *p, const json_t *statement)
{
	const json_t *inner;

	if ((inner = json_object_get(statement, "mangle")))
		mangle_checked(p, inner);
	else if ((inner = json_object_get(statement, "log")))
		log_checked(p, inner);
	else if (json_object_get(statement, "notrack"))
		findings_add(p->findings, FINDING_WARNING,
			     "table %s %s, chain %s takes packets out of connection tracking "
			     "(notrack): these packets belong to no flow",
			     p->family, p->table, p->chain);
}

static void rule_checked(struct findings *f, const struct config *c, const json_t *rule)
{
	struct rule_place place = {
		.findings = f,
		.config = c,
		.family = text_of(rule, "family"),
		.table = text_of(rule, "table"),
		.chain = text_of(rule, "chain"),
		.handle = json_integer_value(json_object_get(rule, "handle")),
	};
	const json_t *statement;
	size_t i;

	if (!strcmp(place.family, RULESET_FAMILY) && !strcmp(place.table, RULESET_TABLE))
		return;
	json_array_foreach(json_object_get(rule, "expr"), i, statement)
		statement_checked(&place, statement);
	filter_checked(&place, json_object_get(rule, "expr"));
}

static void flows_checked(struct findings *f, const json_t *flowtable)
{
	findings_add(f, FINDING_WARNING,
		     "flowtable %s in table %s %s: offloaded flows skip the rules that see where "
		     "packets leave, so that their verdict is 'unknown'",
		     text_of(flowtable, "name"), text_of(flowtable, "family"),
		     text_of(flowtable, "table"));
	findings_fix(f, "remove the rules with 'flow add @%s' if every flow must be audited",
		     text_of(flowtable, "name"));
}

void hostcheck_rulesets(struct findings *f, const struct config *c, const char *json)
{
	json_t *root = json_loads(json, 0, NULL);
	const json_t *item;
	size_t before = f->n, i;

	if (!root) {
		findings_add(f, FINDING_WARNING, "cannot read the rulesets of other programs");
		findings_fix(f, "run 'nft list ruleset' to see whether rules set marks");
		return;
	}
	mark_writers_each(json, writer_checked, &(struct checking){f, c});
	json_array_foreach(json_object_get(root, "nftables"), i, item)
	{
		const json_t *inner;

		if ((inner = json_object_get(item, "rule")))
			rule_checked(f, c, inner);
		else if ((inner = json_object_get(item, "flowtable")))
			flows_checked(f, inner);
	}
	if (f->n == before)
		findings_add(f, FINDING_OK,
			     "no nftables rule of another program uses Waymark's marks, labels or "
			     "NFLOG group");
	json_decref(root);
}
