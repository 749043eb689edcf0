/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_verdict.c - explains a flow's verdict, the reason and the fix, and then the evidence.
 *
 * If the fault is known to be gone, it says that no fix is needed, and shows no command.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "waymark/base/shell.h"

/* --- verdict and reason ------------------------------------------------------------------ */

static const struct {
	const char *words, *fix;
} rungs[] = {
	[VERDICT_NONE] = {"there is no verdict yet", NULL},
	[VERDICT_MISMATCH] = {"packets left by an interface that the flow's mark does not name",
			      NULL},
	[VERDICT_WRONG_SOURCE] =
		{"the flow left by the right uplink, but with the source address of another "
		 "uplink: replies return by that other uplink, or never",
		 "Translate the source of packets that leave by each uplink "
		 "(masquerade or snat in a chain of type nat hook postrouting)."},
	[VERDICT_FOREIGN] = {"the flow left by an uplink, but its mark names no uplink",
			     "Find the process that sets that mark and give it bits outside "
			     "mark-mask, or configure an uplink with that mark."},
	[VERDICT_UNMARKED] =
		{"the flow left by an uplink, but has no mark: it predates the rules, or its "
		 "mark was cleared",
		 "Delete the flow's conntrack entry, so that the flow is set up again."},
	[VERDICT_UNKNOWN] = {"packets of the flow may have left by an uplink unseen", NULL},
	[VERDICT_LOCAL] = {"the flow left by no uplink, and nothing was missed", NULL},
	[VERDICT_OK] =
		{"the flow left by the uplink that its mark names, and by no other interface",
		 NULL},
};

static const struct {
	const char *words, *fix;
	/* `words` in the present tense; NULL: the ip rules, routes and links do not show whether
	 * the reason still applies */
	const char *now;
} reasons[REASONS] = {
#define REASON(constant, number, name, words, fix, now) [REASON_##constant] = {words, fix, now},
#include "waymark/base/reasons.def"
};

const char *explain_reason_words(enum reason reason)
{
	return reason < REASONS && reasons[reason].words ? reasons[reason].words
							 : "the reason is unknown";
}

const char *explain_reason_now(enum reason reason)
{
	return reason < REASONS ? reasons[reason].now : NULL;
}

/* --- the fix -------------------------------------------------------------------------------- */

/* Return whether the ip rules, routes and links show if the reason still applies. */
static bool is_routing(enum reason reason)
{
	return explain_reason_now(reason) != NULL;
}

static bool is_repaired(const struct explanation *e)
{
	return is_routing(e->reason) && e->is_path_known && !e->is_path_wrong;
}

static bool is_live(const struct explanation *e)
{
	const char *state = row_copy_text(e->flow, "state");

	return state && !strcmp(state, "live");
}

static void entry_fix_show(struct explanation *e)
{
	const char *src = row_copy_text(e->flow, "src"), *dst = row_copy_text(e->flow, "dst");
	int64_t sport = row_copy_number(e->flow, "sport", -1),
		dport = row_copy_number(e->flow, "dport", -1);

	if (src && dst && sport >= 0 && dport >= 0)
		narrative_show(&e->story,
			       "conntrack -D -p %s -s %s -d %s --orig-port-src %" PRId64
			       " --orig-port-dst %" PRId64,
			       row_copy_text(e->flow, "proto"), src, dst, sport, dport);
}

static void waymark_show(struct explanation *e, const char *words)
{
	char command[CONFIG_COMMAND_SIZE];

	narrative_show(&e->story, "%s", config_command(e->config, command, sizeof(command), words));
}

static void fix_command_show(struct explanation *e)
{
	const struct uplink_config *u = e->uplink;

	if (e->verdict == VERDICT_UNMARKED || e->reason == REASON_PREDATES)
		entry_fix_show(e);
	else if (e->verdict == VERDICT_WRONG_SOURCE && u)
		narrative_show(&e->story, "nft add rule inet nat postrouting oifname %s masquerade",
			       u->ifname);
	else if (e->reason == REASON_UPLINK_DOWN && u)
		narrative_show(&e->story, "ip link set %s up", u->ifname);
	else if (e->reason == REASON_RULE_MISSING || e->reason == REASON_ROUTE_MISSING ||
		 e->reason == REASON_RESTORE_MISSING)
		waymark_show(e, "apply");
	else if (is_routing(e->reason) || e->reason == REASON_MARK_CHANGED ||
		 e->verdict == VERDICT_FOREIGN)
		waymark_show(e, "check");
}

static void fix_say(struct explanation *e)
{
	const char *fix = e->reason > REASON_NONE && e->reason < REASONS ? reasons[e->reason].fix
									 : rungs[e->verdict].fix;
	bool is_entry = e->verdict == VERDICT_UNMARKED || e->reason == REASON_PREDATES;

	if (!fix)
		return;
	if (is_repaired(e)) {
		narrative_say(&e->story, "fix",
			      "None needed now: rules, routes and interface are right again.");
	} else if (is_entry && !is_live(e)) {
		narrative_say(&e->story, "fix", "None needed now: the flow has ended.");
	} else {
		narrative_say(&e->story, "fix", "%s", fix);
		fix_command_show(e);
	}
}

/* --- what waymarkd did ------------------------------------------------------------------------ */

static void tampering_say(struct explanation *e)
{
	for (size_t i = e->tampering.n; i--;) {
		const struct row_copy_row *t = &e->tampering.rows[i];
		const char *process = row_copy_text(t, "process"),
			   *action = row_copy_text(t, "action");
		int64_t pid = row_copy_number(t, "pid", 0);
		char who[80] = "another process", time[TIMES_STRLEN];

		if (process)
			snprintf(who, sizeof(who), "%s (pid %" PRId64 ")", process, pid);
		narrative_say(&e->story, "tampering", "%s: %s, by %s; %s.",
			      narrative_time(row_copy_text(t, "time"), time),
			      row_copy_text(t, "what"), who, action ? action : "noticed");
	}
}

static void deletions_say(struct explanation *e)
{
	char time[TIMES_STRLEN];

	for (size_t i = 0; i < e->deletions.n; i++) {
		const char *action = row_copy_text(&e->deletions.rows[i], "action");
		bool has_returned = action && !strcmp(action, "returned");

		narrative_say(&e->story, "deleted",
			      "%s: its conntrack entry was deleted (%s), so that the flow "
			      "is re-established.",
			      narrative_time(row_copy_text(&e->deletions.rows[i], "time"), time),
			      has_returned ? "on-uplink-up" : "on-mismatch");
	}
}

/* Explain why a flow with replies can have no egress: conntrack deletes the entry of a refused TCP
 * connection before the RST reaches postrouting, where the label would be set. */
static void refusal_say(struct explanation *e)
{
	const char *proto = row_copy_text(e->flow, "proto");

	if (e->verdict != VERDICT_LOCAL || !e->ingress || !proto || strcmp(proto, "tcp") ||
	    row_copy_number(e->flow, "packets_reply", 0) == 0)
		return;
	narrative_say(&e->story, "verdict",
		      "The reply may have been an RST that refused the connection. The kernel "
		      "deletes the conntrack entry before such an RST leaves, so that Waymark "
		      "records the RST only if it leaves by a wrong uplink.");
}

void explain_verdict(struct explanation *e)
{
	if (e->verdict == VERDICT_NONE)
		narrative_say(&e->story, "verdict", "There is no verdict yet.");
	else
		narrative_say(&e->story, "verdict", "%s (verdict %d of 7): %s.",
			      verdict_name(e->verdict), (int)e->verdict, rungs[e->verdict].words);
	refusal_say(e);
	if (e->reason > REASON_NONE && e->reason < REASONS) {
		narrative_say(&e->story, "reason", "%s: %s.", reason_name(e->reason),
			      reasons[e->reason].words);
		tampering_say(e);
	}
	deletions_say(e);
	fix_say(e);
}

/* --- evidence -------------------------------------------------------------------------- */

static void mismatch_say(struct explanation *e, const struct row_copy_row *m)
{
	bool is_reply = !strcmp(row_copy_text(m, "direction"), "reply");
	bool is_logged =
		!strcmp(row_copy_text(m, "evidence"), evidence_name(EVIDENCE_STRAY_PACKET));
	const char *expected = row_copy_text(m, "expected"), *egress = row_copy_text(m, "egress");
	int64_t packets = row_copy_number(m, "packets", 0);
	char time[TIMES_STRLEN], count[64] = "";

	if (packets > 1)
		snprintf(count, sizeof(count), ", at least %" PRId64 " packets", packets);
	narrative_say(&e->story, "evidence",
		      "%s: %s left by %s while mark 0x%" PRIx64 " named uplink %s (%s%s).",
		      narrative_time(row_copy_text(m, "time"), time),
		      is_reply ? "a reply" : "a packet of the original direction",
		      egress ? egress : "?", (uint64_t)row_copy_number(m, "mark", 0),
		      expected ? expected : "none",
		      is_logged ? "logged by the rules" : "label of the conntrack entry", count);
}

static void gaps_show(struct explanation *e)
{
	char words[CONFIG_COMMAND_SIZE] = "gaps --database ", *end = words + strlen(words);

	if (e->database)
		shell_word(end, sizeof(words) - (size_t)(end - words), e->database);
	waymark_show(e, e->database ? words : "gaps");
}

static void gap_say(struct explanation *e, const struct row_copy_row *g)
{
	const char *ended = row_copy_text(g, "ended"), *reason = row_copy_text(g, "reason");
	char from[TIMES_STRLEN], until[TIMES_STRLEN];

	narrative_say(&e->story, "evidence",
		      "Between %s and %s events or evidence may have been missed: %s.",
		      narrative_time(row_copy_text(g, "started"), from),
		      ended ? narrative_time(ended, until) : "now", reason ? reason : "not known");
	gaps_show(e);
}

void explain_evidence(struct explanation *e)
{
	const char *out = row_copy_text(e->flow, "egress"),
		   *back = row_copy_text(e->flow, "egress_reply");

	if (out)
		narrative_say(&e->story, "evidence",
			      "Packets of the original direction left by %s.", out);
	if (back)
		narrative_say(&e->story, "evidence", "Replies left by %s.", back);
	if (!out && !back)
		narrative_say(&e->story, "evidence", "No packet was seen to leave by an uplink.");
	for (size_t i = 0; i < e->mismatches.n; i++)
		mismatch_say(e, &e->mismatches.rows[i]);
	for (size_t i = 0; i < e->gaps.n; i++)
		gap_say(e, &e->gaps.rows[i]);
}
