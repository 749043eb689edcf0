/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.c - names of verdicts, reasons and other enumerations, as users and the history
 * spell them.
 *
 * Must not know how the audit finds a verdict or a reason.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "waymark/base/words.h"

static const char *const verdict_names[] = {
	[VERDICT_MISMATCH] = "mismatch",
	[VERDICT_WRONG_SOURCE] = "wrong-source",
	[VERDICT_FOREIGN] = "foreign",
	[VERDICT_UNMARKED] = "unmarked",
	[VERDICT_UNKNOWN] = "unknown",
	[VERDICT_LOCAL] = "local",
	[VERDICT_OK] = "ok",
};

static const char *const reason_names[] = {
#define REASON(constant, number, name, ...) [REASON_##constant] = (name),
#include "waymark/base/reasons.def"
};

static const char *const evidence_names[] = {
	[EVIDENCE_STRAY_PACKET] = "packet",
	[EVIDENCE_EGRESS_SEEN] = "label",
};

static const char *const gap_source_names[] = {
	[GAP_EVENTS] = "events",
	[GAP_EVIDENCE] = "evidence",
	[GAP_DAEMON] = "daemon",
	[GAP_STORE] = "store",
};

static const char *const cause_names[] = {
	[CAUSE_LINK] = "link",	   [CAUSE_ADDRESS] = "address",	  [CAUSE_GATEWAY] = "gateway",
	[CAUSE_HEALTH] = "health", [CAUSE_OPERATOR] = "operator",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *name_of(const char *const *names, size_t n, unsigned value)
{
	return value < n ? names[value] : NULL;
}

static int value_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return (int)i;
	return -EINVAL;
}

const char *verdict_name(enum verdict v)
{
	return name_of(verdict_names, COUNT(verdict_names), v);
}

int verdict_parse(const char *name)
{
	return value_of(verdict_names, COUNT(verdict_names), name);
}

const char *reason_name(enum reason r)
{
	return name_of(reason_names, COUNT(reason_names), r);
}

int reason_parse(const char *name)
{
	return value_of(reason_names, COUNT(reason_names), name);
}

const char *evidence_name(enum evidence e)
{
	return name_of(evidence_names, COUNT(evidence_names), e);
}

const char *gap_source_name(enum gap_source s)
{
	return name_of(gap_source_names, COUNT(gap_source_names), s);
}

const char *state_cause_name(enum state_cause c)
{
	return name_of(cause_names, COUNT(cause_names), c);
}
