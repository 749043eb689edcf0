/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_validate.c - checks what the parser of a single value cannot check: missing and
 * contradictory keys.
 *
 * Pure: prints errors and counts them. A key whose line is CONFIG_LINE_BAD has been reported
 * already and is skipped, so that one mistake yields one message.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "config/config_slots.h"
#include "waymark/config/config.h"

/* The kernel's own tables (enum rt_class_t in linux/rtnetlink.h). */
#define TABLE_DEFAULT 253
#define TABLE_LOCAL   255

struct validation {
	const struct config *c;
	FILE *errors;
	unsigned n_errors;
};

static void __attribute__((format(printf, 3, 4)))
complain(struct validation *v, int line, const char *format, ...)
{
	va_list args;

	fprintf(v->errors, "%s:%d: ", v->c->path ? v->c->path : "configuration",
		line > 0 ? line : 1);
	va_start(args, format);
	vfprintf(v->errors, format, args);
	va_end(args);
	fputc('\n', v->errors);
	v->n_errors++;
}

static int line_or(int line, int otherwise)
{
	return line > 0 ? line : otherwise;
}

static void check_interface(struct validation *v, const struct uplink_config *u)
{
	if (u->ifname[0] == '\0' && u->interface_line != CONFIG_LINE_BAD)
		complain(v, u->line,
			 "uplink '%s' has no interface; add interface = \"NAME\" to its section",
			 u->name);
}

static void check_mark(struct validation *v, const struct uplink_config *u)
{
	if (u->mark_line == CONFIG_LINE_BAD)
		return;
	if (u->mark == 0 && u->mark_line == 0)
		complain(v, u->line, "uplink '%s' has no mark; add mark = NUMBER to its section",
			 u->name);
	else if (u->mark == 0)
		complain(v, u->mark_line,
			 "mark of uplink '%s' is 0, which means 'no mark'; give it a bit under "
			 "mark-mask 0x%" PRIx32,
			 u->name, v->c->mark_mask);
	else if (v->c->mark_mask_line != CONFIG_LINE_BAD && (u->mark & ~v->c->mark_mask))
		complain(v, line_or(u->mark_line, u->line),
			 "mark 0x%" PRIx32 " of uplink '%s' lies outside mark-mask 0x%" PRIx32
			 "; choose one whose bits are all in the mask, or widen the mask",
			 u->mark, u->name, v->c->mark_mask);
}

static void check_table(struct validation *v, const struct uplink_config *u)
{
	if (u->table_line == CONFIG_LINE_BAD)
		return;
	if (u->table == 0 && u->table_line == 0 && v->c->mode == MODE_AUDIT)
		return;
	if (u->table == 0 && u->table_line == 0)
		complain(v, u->line,
			 "uplink '%s' has no table; add table = NUMBER to its section (only mode "
			 "\"audit\" can do without)",
			 u->name);
	else if (u->table == 0 || (u->table >= TABLE_DEFAULT && u->table <= TABLE_LOCAL))
		complain(v, line_or(u->table_line, u->line),
			 "table %" PRIu32
			 " of uplink '%s' is one of the kernel's own (0, 253 default, "
			 "254 main, 255 local); choose another number",
			 u->table, u->name);
}

static void check_weight(struct validation *v, const struct uplink_config *u)
{
	if (u->weight > 256)
		complain(v, u->line,
			 "weight %" PRIu32 " of uplink '%s' is out of range; choose 0 to 256",
			 u->weight, u->name);
}

/* Report each name, interface, mark and table that uplink u shares with `before`, an uplink earlier
 * in the file. */
static void check_pair(struct validation *v, const struct uplink_config *before,
		       const struct uplink_config *u)
{
	if (u->name[0] && strcmp(u->name, before->name) == 0)
		complain(v, u->line,
			 "uplink '%s' is defined twice, first on line %d; rename one of the two",
			 u->name, before->line);
	if (u->ifname[0] && strcmp(u->ifname, before->ifname) == 0)
		complain(v, line_or(u->interface_line, u->line),
			 "interface '%s' of uplink '%s' is already uplink '%s' (line %d); an "
			 "interface "
			 "can be one uplink only",
			 u->ifname, u->name, before->name, before->line);
	if (u->mark && u->mark == before->mark)
		complain(v, line_or(u->mark_line, u->line),
			 "mark 0x%" PRIx32
			 " of uplink '%s' collides with uplink '%s' (line %d); choose "
			 "another",
			 u->mark, u->name, before->name, before->line);
	if (u->table && u->table == before->table)
		complain(v, line_or(u->table_line, u->line),
			 "table %" PRIu32
			 " of uplink '%s' is already that of uplink '%s' (line %d); "
			 "choose another",
			 u->table, u->name, before->name, before->line);
}

static void check_pairs(struct validation *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		check_pair(v, &v->c->uplinks[k], &v->c->uplinks[i]);
}

static void check_rule_priority(struct validation *v)
{
	const struct config *c = v->c;
	uint32_t last = c->rule_priority + CONFIG_RULES_BESIDE + (uint32_t)c->n_uplinks - 1;

	if (c->rule_priority_line == CONFIG_LINE_BAD)
		return;
	if (c->rule_priority < 1 || last >= CONFIG_RULE_PRIORITY_BALANCE)
		complain(v, c->rule_priority_line,
			 "rule-priority %" PRIu32 " with %zu uplinks needs the priorities %" PRIu32
			 " to %" PRIu32 ", which must lie above 0 (table local) and below %d (the "
			 "balanced route); choose 1 to %zu",
			 c->rule_priority, c->n_uplinks, c->rule_priority, last,
			 CONFIG_RULE_PRIORITY_BALANCE,
			 CONFIG_RULE_PRIORITY_BALANCE - CONFIG_RULES_BESIDE - c->n_uplinks);
}

static const struct uplink_config *uplink_by_table(const struct config *c, uint32_t table)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].table == table)
			return &c->uplinks[i];
	return NULL;
}

static void check_balance_table(struct validation *v)
{
	const struct config *c = v->c;
	const struct uplink_config *u = uplink_by_table(c, c->balance_table);

	if (c->balance_table_line <= 0)
		return;
	if (c->balance_table == 0 ||
	    (c->balance_table >= TABLE_DEFAULT && c->balance_table <= TABLE_LOCAL))
		complain(v, c->balance_table_line,
			 "balance-table %" PRIu32 " is one of the kernel's own (0, 253 default, "
			 "254 main, 255 local); choose another number",
			 c->balance_table);
	else if (u)
		complain(v, c->balance_table_line,
			 "balance-table %" PRIu32 " is already the table of uplink '%s' (line %d); "
			 "choose another",
			 c->balance_table, u->name, u->line);
}

void config_choose_balance_table(struct config *c)
{
	while (c->balance_table_line == 0 && uplink_by_table(c, c->balance_table))
		c->balance_table--;
}

/* Return whether slots can be derived from the marks. This needs valid values of mark-mask and of
 * all marks. */
static bool has_slots(const struct config *c)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].mark_line == CONFIG_LINE_BAD)
			return false;
	return c->mark_mask_line != CONFIG_LINE_BAD;
}

static void check_labels(struct validation *v)
{
	const struct config *c = v->c;
	uint8_t slots[UPLINKS_MAX] = {0};
	unsigned highest = 0;

	if (c->label_base_line == CONFIG_LINE_BAD || !has_slots(c))
		return;
	config_slots(c, slots);
	for (size_t i = 0; i < c->n_uplinks; i++)
		highest = slots[i] > highest ? slots[i] : highest;
	if (c->label_base + LABELS_RESERVED + highest >= LABELS_TOTAL)
		complain(v, c->label_base_line,
			 "label-base %" PRIu32
			 " leaves no room: the marks in use need the connlabel "
			 "bits up to %" PRIu32 ", but the last bit is 127; use at most %u",
			 c->label_base, c->label_base + LABELS_RESERVED + highest,
			 LABELS_TOTAL - LABELS_RESERVED - 1 - highest);
}

static void check_uplinks(struct validation *v)
{
	const struct config *c = v->c;

	for (size_t i = 0; i < c->n_uplinks; i++) {
		check_interface(v, &c->uplinks[i]);
		check_mark(v, &c->uplinks[i]);
		check_table(v, &c->uplinks[i]);
		check_weight(v, &c->uplinks[i]);
		check_pairs(v, i);
	}
	if (c->n_uplinks == 0)
		complain(v, 1,
			 "no uplink is defined; add a section: uplink NAME { interface = \"...\" "
			 "mark = ... table = ... }");
	if (c->n_uplinks > UPLINKS_MAX)
		complain(v, c->uplinks[UPLINKS_MAX].line,
			 "uplink '%s' is one too many: there are %zu, and at most %d are "
			 "possible (one connlabel bit for each); remove some uplinks",
			 c->uplinks[UPLINKS_MAX].name, c->n_uplinks, UPLINKS_MAX);
}

unsigned config_validate(const struct config *c, FILE *errors)
{
	struct validation v = {.c = c, .errors = errors};

	if (c->mark_mask == 0 && c->mark_mask_line != CONFIG_LINE_BAD)
		complain(&v, c->mark_mask_line,
			 "mark-mask is 0, so that no mark fits; give it at least one bit");
	check_uplinks(&v);
	check_rule_priority(&v);
	check_balance_table(&v);
	if (v.n_errors == 0)
		check_labels(&v);
	return v.n_errors;
}
