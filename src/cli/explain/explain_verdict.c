/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_verdict.c - what was seen of a flow, which rung of the ladder that is, why
 * it happened and what to do.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "waymark/base/proto.h"

/* --- evidence -------------------------------------------------------------------------- */

static void mismatch_say(struct explanation *e, const struct row_copy_row *m)
{
	bool is_reply = !strcmp(row_copy_text(m, "direction"), "reply");
	bool is_logged = !strcmp(row_copy_text(m, "evidence"), "packet");
	const char *expected = row_copy_text(m, "expected"), *egress = row_copy_text(m, "egress");
	int64_t packets = row_copy_number(m, "packets", 0);

	narrative_say(&e->story, "evidence",
		      "%s: a %s left by interface %s while mark 0x%" PRIx64
		      " named uplink %s (%s).",
		      row_copy_text(m, "time"), is_reply ? "reply" : "packet of its own",
		      egress ? egress : "?", (uint64_t)row_copy_number(m, "mark", 0),
		      expected ? expected : "none",
		      is_logged ? "the rules logged the packet itself"
				: "a label in the conntrack entry");
	if (packets > 1)
		narrative_say(&e->story, "evidence", "At least %" PRId64 " packets went that way.",
			      packets);
	narrative_show(&e->story, "waymark mismatches --since '%s'", row_copy_text(m, "time"));
}

void explain_evidence(struct explanation *e)
{
	const char *out = row_copy_text(e->flow, "egress"),
		   *back = row_copy_text(e->flow, "egress_reply");

	if (out)
		narrative_say(&e->story, "evidence", "Its own packets left by %s.", out);
	if (back)
		narrative_say(&e->story, "evidence", "Its replies left by %s.", back);
	if (!out && !back)
		narrative_say(&e->story, "evidence",
			      "No packet of it was seen to leave by an uplink.");
	for (size_t i = 0; i < e->mismatches.n; i++)
		mismatch_say(e, &e->mismatches.rows[i]);
	for (size_t i = 0; i < e->gaps.n; i++) {
		const struct row_copy_row *g = &e->gaps.rows[i];
		const char *ended = row_copy_text(g, "ended"), *reason = row_copy_text(g, "reason");

		narrative_say(&e->story, "evidence",
			      "From %s to %s something may have been missed: %s.",
			      row_copy_text(g, "started"), ended ? ended : "now",
			      reason ? reason : "not known");
		narrative_show(&e->story, "waymark gaps");
	}
}

/* --- the rung ---------------------------------------------------------------------------- */

static const struct {
	const char *words, *cure;
} rungs[] = {
	[VERDICT_NONE] = {"there is no verdict yet", NULL},
	[VERDICT_MISMATCH] = {"evidence shows an uplink that is not the one that the mark names",
			      NULL},
	[VERDICT_WRONG_SOURCE] = {"it left by the right uplink, but with the source address of "
				  "another, so that answers "
				  "come back by another line, or never",
				  "Translate the source of what leaves by each uplink (masquerade "
				  "or snat in a chain of type "
				  "nat hook postrouting)."},
	[VERDICT_FOREIGN] = {"it left by an uplink with a mark that names none",
			     "Find who sets that mark, and give it bits outside mark-mask; or make "
			     "an uplink of it."},
	[VERDICT_UNMARKED] = {"it left by an uplink without a mark: it began before the rules were "
			      "there, or somebody "
			      "took the mark away",
			      "Let it begin anew: delete its conntrack entry."},
	[VERDICT_UNKNOWN] = {"nothing shows how it left, and there is a cause why that may be so",
			     NULL},
	[VERDICT_LOCAL] = {"it left by no uplink, and nothing was missed", NULL},
	[VERDICT_OK] = {"it left by the uplink that its mark names, and by no other", NULL},
};

static const struct {
	const char *words, *cure;
} reasons[] = {
	[REASON_RULE_MISSING] = {"when it happened, the ip rule of its mark was not there, or "
				 "another came before it",
				 "Put the rules back (the daemon does it at once unless repair = "
				 "false), and find who takes "
				 "them away."},
	[REASON_ROUTE_MISSING] =
		{"when it happened, the routes that it met did not lead out of its uplink",
		 "Put the routes back (the daemon does it at once unless repair = false), and find "
		 "who "
		 "changes them; a route of table main's own comes before the uplink's table."},
	[REASON_UPLINK_DOWN] = {"when it happened, its uplink was down",
				"Bring the line up; on-uplink-down = \"flush\" lets its flows "
				"begin anew on another."},
	[REASON_MARK_CHANGED] = {"its mark was changed after it had begun on another uplink",
				 "Find the rule that writes Waymark's bits of the ct mark; "
				 "'waymark check' names those that "
				 "are there now."},
	[REASON_RESTORE_MISSING] = {"the packet did not carry its flow's mark: the rules that put "
				    "it back were not there, or "
				    "somebody's rule overwrote it",
				    "Put the ruleset back, and look for rules that set the "
				    "packet's mark; 'waymark check' names "
				    "them."},
	[REASON_UNEXPLAINED] =
		{"rules, routes and line were as they should be, and the packet carried the mark",
		 "Watch it happen: nft monitor trace, with a rule 'meta nftrace set 1' for this "
		 "flow."},
	[REASON_GAP] =
		{"events or evidence may have been lost while it lived",
		 "See 'waymark gaps' for what was lost, and 'waymark status' for the buffers."},
	[REASON_OFFLOADED] =
		{"its packets are offloaded and skip the rules that see where they leave",
		 "Take the rules with 'flow add' out, if every flow must be audited."},
	[REASON_PREDATES] = {"it began before the rules that see where packets leave, and has no "
			     "room for labels",
			     "Let it begin anew: delete its conntrack entry."},
	[REASON_UPLINK_DOWN_FLUSH] = {"it was ended because its uplink was down", NULL},
	[REASON_RULE_BEFORE] = {"another ip rule took the packet before the rule of its mark",
				"Give that rule a priority behind Waymark's rules, or exclude "
				"marked packets from it (not fwmark)."},
	[REASON_ROUTE_SPECIFIC] = {"a more specific route led elsewhere",
				   "Remove the route, or set local-routes so that it does not "
				   "come before the uplink's table."},
};

static void cure_show(struct explanation *e)
{
	const struct uplink_config *u = e->uplink;
	const char *src = row_copy_text(e->flow, "src"), *dst = row_copy_text(e->flow, "dst");
	int64_t sport = row_copy_number(e->flow, "sport", -1),
		dport = row_copy_number(e->flow, "dport", -1);
	bool is_entry = e->verdict == VERDICT_UNMARKED || e->reason == REASON_PREDATES;

	if (is_entry && src && dst && sport >= 0 && dport >= 0)
		narrative_show(&e->story,
			       "conntrack -D -p %s -s %s -d %s --orig-port-src %" PRId64
			       " --orig-port-dst %" PRId64,
			       row_copy_text(e->flow, "proto"), src, dst, sport, dport);
	else if (e->verdict == VERDICT_WRONG_SOURCE && u)
		narrative_show(&e->story, "nft add rule inet nat postrouting oifname %s masquerade",
			       u->ifname);
	else if (e->reason == REASON_UPLINK_DOWN && u)
		narrative_show(&e->story, "ip link set %s up", u->ifname);
	else if (e->reason == REASON_RULE_MISSING || e->reason == REASON_ROUTE_MISSING ||
		 e->reason == REASON_RESTORE_MISSING) {
		narrative_show(&e->story, "waymark check"); /* who stands in the way */
		narrative_show(&e->story, "waymark apply");
	} else if (e->reason == REASON_MARK_CHANGED || e->verdict == VERDICT_FOREIGN)
		narrative_show(&e->story, "waymark check");
}

static void tampering_say(struct explanation *e)
{
	for (size_t i = e->tampering.n; i--;) {
		const struct row_copy_row *t = &e->tampering.rows[i];
		const char *process = row_copy_text(t, "process"),
			   *action = row_copy_text(t, "action");
		int64_t pid = row_copy_number(t, "pid", 0);

		char who[80] = "somebody";

		if (process)
			snprintf(who, sizeof(who), "%s (pid %" PRId64 ")", process, pid);
		else if (pid)
			snprintf(who, sizeof(who), "the process %" PRId64 ", which is gone", pid);
		narrative_say(&e->story, "tampering", "%s: %s, by %s; %s.",
			      row_copy_text(t, "time"), row_copy_text(t, "what"), who,
			      action ? action : "noticed");
		narrative_show(&e->story, "sqlite3 %s 'SELECT * FROM tampering'",
			       e->config->database);
	}
}

static void cures_say(struct explanation *e)
{
	for (size_t i = 0; i < e->deletions.n; i++) {
		narrative_say(&e->story, "cured",
			      "%s: its conntrack entry was deleted, as on-mismatch says, so that "
			      "it begins "
			      "anew.",
			      row_copy_text(&e->deletions.rows[i], "time"));
		narrative_show(&e->story,
			       "sqlite3 %s 'SELECT * FROM deleted_flows WHERE flow_id = %" PRId64
			       "'",
			       e->config->database, e->id);
	}
}

/* Conntrack deletes the entry of a TCP connection that is refused as the refusal passes
 * it, before postrouting: no label is left of what left then. */
static void refusal_say(struct explanation *e)
{
	const char *proto = row_copy_text(e->flow, "proto");

	if (e->verdict != VERDICT_LOCAL || !e->ingress || !proto || strcmp(proto, "tcp") ||
	    row_copy_number(e->flow, "packets_reply", 0) == 0)
		return;
	narrative_say(&e->story, "verdict",
		      "It was answered, though. The kernel forgets a TCP connection that is "
		      "refused before "
		      "the refusal leaves: that it left by the right line is not in the history, "
		      "but had it "
		      "left by a wrong one, that would be.");
}

void explain_verdict(struct explanation *e)
{
	const char *cure = rungs[e->verdict].cure;

	if (e->verdict == VERDICT_NONE)
		narrative_say(&e->story, "verdict", "There is no verdict yet.");
	else
		narrative_say(&e->story, "verdict", "Verdict %s (rung %d of 7): %s.",
			      verdict_name(e->verdict), (int)e->verdict, rungs[e->verdict].words);
	refusal_say(e);
	if (e->reason > REASON_NONE && e->reason < REASONS) {
		narrative_say(&e->story, "reason", "Reason %s: %s.", reason_name(e->reason),
			      reasons[e->reason].words);
		tampering_say(e);
		cure = reasons[e->reason].cure;
	}
	if (cure) {
		narrative_say(&e->story, "cure", "%s", cure);
		cure_show(e);
	}
	cures_say(e);
}
