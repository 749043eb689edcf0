/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alert_kind.c - the tables of alert kinds and alert states. */
#include <stddef.h>
#include <string.h>

#include "waymark/alert/alert.h"

static const struct kind {
	const char *name;
	const char *severity;
	enum alert_lifetime lifetime;
} kinds[] = {
	[ALERT_MISMATCH] = {"mismatch", "critical", ALERT_UNTIL_QUIET},
	[ALERT_WRONG_SOURCE] = {"wrong-source", "critical", ALERT_UNTIL_QUIET},
	[ALERT_UNMARKED] = {"unmarked", "warning", ALERT_UNTIL_QUIET},
	[ALERT_FOREIGN] = {"foreign", "warning", ALERT_UNTIL_QUIET},
	[ALERT_TAMPERING] = {"tampering", "warning", ALERT_ONCE},
	[ALERT_GAP] = {"gap", "warning", ALERT_UNTIL_QUIET},
	[ALERT_UPLINK] = {"uplink", "warning", ALERT_UNTIL_ENDED},
	[ALERT_QUOTA] = {"quota", "warning", ALERT_UNTIL_ENDED},
	[ALERT_HEALTH] = {"health", "warning", ALERT_UNTIL_ENDED},
	[ALERT_DELIVERY] = {"delivery", "warning", ALERT_UNTIL_ENDED},
	[ALERT_STORE] = {"store", "warning", ALERT_UNTIL_ENDED},
	[ALERT_TEST] = {"test", "notice", ALERT_ONCE},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *alert_kind_name(enum alert_kind k)
{
	return (size_t)k < KINDS ? kinds[k].name : NULL;
}

enum alert_lifetime alert_kind_lifetime(enum alert_kind k)
{
	return (size_t)k < KINDS ? kinds[k].lifetime : ALERT_ONCE;
}

const char *alert_kind_severity(enum alert_kind k)
{
	return (size_t)k < KINDS ? kinds[k].severity : "notice";
}

const char *alert_severity_name(const struct alert *a)
{
	return a->state == ALERT_OVER ? "notice" : alert_kind_severity(a->kind);
}

const char *alert_state_name(enum alert_state s)
{
	static const char *const names[] = {
		[ALERT_RAISED] = "raised", [ALERT_SUMMARY] = "summary", [ALERT_OVER] = "over"};

	return (size_t)s < sizeof(names) / sizeof(names[0]) ? names[s] : NULL;
}
