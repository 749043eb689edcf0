/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.c - raises suspicions from counters, and sets states from weighed flows.
 *
 * For each uplink and address family, window.c keeps the samples of the last two minutes. The
 * "normal" share is the share of flows that got an answer while the uplink was healthy; recent
 * flows count for more. Silence of a family is suspected if no answers have come for two seconds or
 * longer, although at least EXPECTED_LEAST were due. Silence of both families is suspected earlier,
 * because their flows together suffice sooner. Degradation is suspected if the share of answers is
 * far below the normal share, and is not equally low on the other uplinks. Only a weighing
 * (weigh.h) can make a state degraded or silent. The state becomes healthy when answers come again.
 */
#include <stdlib.h>

#include "health/window.h"
#include "waymark/health/health.h"

#define LAG_SAMPLES	 1    /* number of newest samples whose flows may still get an answer */
#define EXPECTED_LEAST	 12.0 /* answers that must be due before silence is suspected */
#define EXPECTED_BESIDE	 8.0  /* the same while the uplink's other family is silent */
#define BOTH_LEAST	 3    /* minimum samples of a silence of both families */
#define BESIDE_SAMPLES	 16   /* if one family is silent for longer, both are not suspected */
#define WEIGHED_SAMPLES	 32   /* maximum samples to weigh; see silence_find() */
#define NORMAL_FIRST	 0.85 /* initial normal share; it counts like NORMAL_FLOWS flows */
#define NORMAL_FLOWS	 20.0
#define NORMAL_MAX	 4000.0 /* maximum number of flows in the normal share */
#define NORMAL_DELAY	 20	/* age in samples at which a sample enters the normal share */
#define NORMAL_LEAST	 0.2	/* below this normal share, silence is not suspected */
#define DEGRADED_FLOWS	 40
#define DEGRADED_SHARE	 0.8  /* suspect degradation below this part of the normal share... */
#define DEGRADED_SIGMA	 6.5  /* ...and at least this many standard deviations below it */
#define OVERDISPERSION	 4.0  /* factor of the variance: flows are not independent */
#define OTHERS_MARGIN	 0.12 /* how far share / normal share must be below others_ratio() */
#define IDLE_SAMPLES	 120
#define AGAIN_SILENT_MS	 1000 /* pause after a weighing, before the next suspicion */
#define AGAIN_LOSS_MS	 10000
#define RECOVER_SAMPLES	 20
#define RECOVER_ANSWERS	 3
#define RECOVER_LOSS	 60 /* samples */
#define ANSWERED_SAMPLES 40 /* samples; see is_answered() */

/* When silence of both families at once is suspected. If it has lasted for at most `samples`, at
 * least `each` answers must be due in each family, and `sum` in both together. A silence that is
 * longer than the last entry is suspected only in each family on its own. */
static const struct {
	uint32_t samples;
	double each, sum;
} both_limits[] = {{4, 3.0, 8.0}, {8, 4.0, 11.0}};

/* Lengths of the windows that are searched for silence and for loss, in samples. */
static const uint32_t silence_windows[] = {4, 6, 8, 12, 16, 32, 64, 128, 239};
static const uint32_t loss_windows[] = {16, 32, 64};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct judged {
	enum health_state state;
	struct window window;
	struct flow_counts last; /* totals at the last sample */
	bool has_last;
	double normal_started, normal_answered; /* the normal share is answered / started; recent
						 * flows count for more */
	bool is_suspect, is_loss;
	uint32_t suspect_samples;
	int64_t again_ms;    /* no suspicion before this time; 0: no suspicion was weighed yet */
	int64_t fault_ms;    /* as in struct health_view */
	int64_t degraded_ms; /* when the state became degraded; older samples show no recovery */
};

struct uplink_health {
	struct judged families[COUNTED_FAMILIES];
	bool is_suspect;	  /* silence of both families at once is suspected */
	uint32_t suspect_samples; /* number of samples since the last answer in either family */
	enum health_state state;
	int64_t since_ms;
};

struct health {
	struct uplink_health uplinks[UPLINKS_MAX];
};

const char *health_state_name(enum health_state s)
{
	static const char *const names[] = {
		[HEALTH_IDLE] = "idle",
		[HEALTH_HEALTHY] = "healthy",
		[HEALTH_DEGRADED] = "degraded",
		[HEALTH_SILENT] = "silent",
	};

	return names[s];
}

struct health *health_new(void)
{
	return calloc(1, sizeof(struct health));
}

void health_free(struct health *h)
{
	free(h);
}

void health_forget(struct health *h, uint8_t slot)
{
	h->uplinks[slot] = (struct uplink_health){0};
}

void health_retry(struct health *h, uint8_t slot, int64_t now_ms)
{
	struct uplink_health *u = &h->uplinks[slot];

	for (unsigned f = 0; f < COUNTED_FAMILIES; f++) {
		u->families[f].window = (struct window){0};
		u->families[f].state = HEALTH_IDLE;
		u->families[f].is_suspect = false;
	}
	u->is_suspect = false;
	u->state = HEALTH_IDLE;
	u->since_ms = now_ms;
}

/* --- normal ------------------------------------------------------------------------------ */

static double normal_share(const struct judged *j)
{
	double started = j->normal_started + NORMAL_FLOWS;
	double share = (j->normal_answered + NORMAL_FLOWS * NORMAL_FIRST) / started;

	return share > 0.995 ? 0.995 : share;
}

/* If the family is healthy and not suspect, add the sample of age NORMAL_DELAY to the normal share.
 * A younger sample may belong to an outage that is not detected yet. */
static void normal_update(struct judged *j)
{
	struct place p = window_sum(&j->window, NORMAL_DELAY, NORMAL_DELAY + 1);

	if (j->state != HEALTH_HEALTHY || j->is_suspect)
		return;
	j->normal_started += p.started;
	j->normal_answered += p.answered;
	if (j->normal_started > NORMAL_MAX) {
		j->normal_answered *= NORMAL_MAX / j->normal_started;
		j->normal_started = NORMAL_MAX;
	}
}

/* --- suspicions -------------------------------------------------------------------------- */

/* Return the number of samples since the last answer. */
static uint32_t silence_length(const struct judged *j)
{
	uint32_t n = 0;

	while (n < WINDOW_SAMPLES && !window_sum(&j->window, n, n + 1).answered)
		n++;
	return n;
}

/* Return how many answers were due in the last n samples. */
static double expected_in(const struct judged *j, uint32_t n)
{
	return window_sum(&j->window, LAG_SAMPLES, n).started * normal_share(j);
}

/* Return 0 if silence is not suspected, because fewer than `least` answers were due in each window
 * without answers. Otherwise return the number of samples to weigh: the samples since the last
 * answer, but at most WEIGHED_SAMPLES. If the window is longer, return its length. */
static uint32_t silence_find(const struct judged *j, double least)
{
	uint32_t length = silence_length(j);
	uint32_t most = length < WEIGHED_SAMPLES ? length : WEIGHED_SAMPLES;

	if (normal_share(j) < NORMAL_LEAST)
		return 0;
	for (size_t i = 0; i < COUNT(silence_windows) && silence_windows[i] <= length; i++) {
		uint32_t n = silence_windows[i];

		if (expected_in(j, n) >= least)
			return n > most ? n : most;
	}
	return 0;
}

/* Return whether enough answers were due in n samples in which both families got none. */
static bool is_both_silent(const struct judged families[COUNTED_FAMILIES], uint32_t n)
{
	double due4 = expected_in(&families[COUNTED_IPV4], n);
	double due6 = expected_in(&families[COUNTED_IPV6], n);

	for (size_t i = 0; n >= BOTH_LEAST && i < COUNT(both_limits); i++)
		if (n <= both_limits[i].samples)
			return due4 >= both_limits[i].each && due6 >= both_limits[i].each &&
			       due4 + due6 >= both_limits[i].sum;
	return false;
}

static void both_suspicion_update(struct uplink_health *u, int64_t now_ms)
{
	uint32_t n = WINDOW_SAMPLES;
	unsigned n_silent = 0;
	/* false: a silent family got its last answer long ago, or another was just weighed */
	bool is_new = true;

	for (unsigned f = 0; f < COUNTED_FAMILIES; f++) {
		const struct judged *j = &u->families[f];
		uint32_t length = silence_length(j);

		n = length < n ? length : n;
		n_silent += j->state == HEALTH_SILENT;
		is_new &= j->state == HEALTH_SILENT ? length <= BESIDE_SAMPLES
						    : now_ms >= j->again_ms;
	}
	u->is_suspect = n_silent < COUNTED_FAMILIES && is_new && is_both_silent(u->families, n);
	u->suspect_samples = n;
}

/* Return the share of answered flows in a window of n samples; below 0: fewer than `least` flows
 * began. */
static double share_of(const struct window *w, uint32_t n, uint32_t least)
{
	uint32_t started = window_sum(w, 2 * LAG_SAMPLES, n).started;
	double share;

	if (started < least || !started)
		return -1;
	share = (double)window_sum(w, 0, n).answered / started;
	return share > 1 ? 1 : share;
}

/* For each family of each other uplink, divide the current share of answers by the normal share.
 * Return the largest ratio; below 0: none is known. */
static double others_ratio(const struct health *h, uint8_t slot, uint32_t n)
{
	double best = -1;

	for (uint8_t i = 0; i < UPLINKS_MAX; i++) {
		for (unsigned f = 0; i != slot && f < COUNTED_FAMILIES; f++) {
			const struct judged *j = &h->uplinks[i].families[f];
			double ratio = share_of(&j->window, n, DEGRADED_FLOWS / 2);

			if (ratio >= 0 && ratio / normal_share(j) > best)
				best = ratio / normal_share(j);
		}
	}
	return best;
}

static bool is_lossy(const struct health *h, uint8_t slot, const struct judged *j, uint32_t n)
{
	double normal = normal_share(j), share = share_of(&j->window, n, DEGRADED_FLOWS);
	double started = window_sum(&j->window, 2 * LAG_SAMPLES, n).started;
	double variance = OVERDISPERSION * normal * (1 - normal) / (started + 1);
	double below = normal - share, others = others_ratio(h, slot, n);

	return share >= 0 && share < DEGRADED_SHARE * normal &&
	       below * below > DEGRADED_SIGMA * DEGRADED_SIGMA * variance &&
	       (others < 0 || share / normal < others - OTHERS_MARGIN);
}

/* Return the shortest window with far fewer answers than normal; 0: none. */
static uint32_t loss_find(const struct health *h, uint8_t slot, const struct judged *j)
{
	for (size_t i = 0; i < COUNT(loss_windows); i++)
		if (is_lossy(h, slot, j, loss_windows[i]))
			return loss_windows[i];
	return 0;
}

/* Return whether the uplink's other family is silent. A provider that drops one family often drops
 * both. Therefore, beside a silent family, silence is suspected when fewer answers are due
 * (EXPECTED_BESIDE). */
static bool is_beside_silence(const struct health *h, uint8_t slot, const struct judged *j)
{
	const struct judged *families = h->uplinks[slot].families;

	return families[j == families ? 1 : 0].state == HEALTH_SILENT;
}

static void suspicion_update(const struct health *h, uint8_t slot, struct judged *j, int64_t now_ms)
{
	double least = is_beside_silence(h, slot, j) ? EXPECTED_BESIDE : EXPECTED_LEAST;
	uint32_t n = j->state == HEALTH_SILENT ? 0 : silence_find(j, least);

	j->is_loss = !n && j->state == HEALTH_HEALTHY;
	if (j->is_loss)
		n = loss_find(h, slot, j);
	j->is_suspect = n && now_ms >= j->again_ms;
	j->suspect_samples = n;
}

/* --- states ------------------------------------------------------------------------------ */

static bool has_recovered(const struct judged *j, int64_t now_ms)
{
	double normal = normal_share(j);

	if (j->state == HEALTH_SILENT)
		return window_sum(&j->window, 0, RECOVER_SAMPLES).answered >= RECOVER_ANSWERS &&
		       window_sum(&j->window, 0, 4).answered > 0 &&
		       share_of(&j->window, RECOVER_SAMPLES, 0) >= 0.5 * normal;
	return now_ms - j->degraded_ms >= RECOVER_LOSS * HEALTH_SAMPLE_MS &&
	       share_of(&j->window, RECOVER_LOSS, DEGRADED_FLOWS / 2) >= 0.9 * normal;
}

static void family_update(const struct health *h, uint8_t slot, struct judged *j, int64_t now_ms)
{
	struct place minute = window_sum(&j->window, 0, IDLE_SAMPLES);

	normal_update(j);
	if (j->state == HEALTH_IDLE && minute.answered)
		j->state = HEALTH_HEALTHY;
	else if (j->state == HEALTH_HEALTHY && !minute.started)
		j->state = HEALTH_IDLE;
	else if (j->state >= HEALTH_DEGRADED && has_recovered(j, now_ms))
		j->state = HEALTH_HEALTHY;
	suspicion_update(h, slot, j, now_ms);
}

/* Return whether the family has had answers in the last ANSWERED_SAMPLES samples. The family's
 * state alone does not show whether there are answers. Example: clients resolve names by IPv4, and
 * IPv4 becomes silent. Then the clients start no IPv6 flows either, and the state of IPv6 stays
 * HEALTH_HEALTHY for a while although nothing is answered. */
static bool is_answered(const struct judged *j)
{
	return window_sum(&j->window, 0, ANSWERED_SAMPLES).answered > 0;
}

/* Return the state of the family whose state is worse. If that family is silent and the other
 * family still gets answers, return HEALTH_DEGRADED. */
static enum health_state uplink_combine(const struct uplink_health *u)
{
	const struct judged *a = &u->families[0], *b = &u->families[1];
	const struct judged *worse = a->state > b->state ? a : b, *better = worse == a ? b : a;

	if (worse->state != HEALTH_SILENT || better->state == HEALTH_SILENT)
		return worse->state;
	return is_answered(better) ? HEALTH_DEGRADED : HEALTH_SILENT;
}

static void uplink_update(struct uplink_health *u, int64_t now_ms)
{
	enum health_state state = uplink_combine(u);

	if (state == u->state)
		return;
	u->state = state;
	u->since_ms = now_ms;
}

/* --- samples ----------------------------------------------------------------------------- */

static uint32_t increment(uint64_t now, uint64_t last)
{
	return now > last ? (uint32_t)(now - last) : 0;
}

static void family_take(struct judged *j, const struct flow_counts *now)
{
	if (j->has_last)
		window_push(&j->window, increment(now->flows_started, j->last.flows_started),
			    increment(now->flows_answered, j->last.flows_answered));
	j->last = *now;
	j->has_last = true;
}

void health_sample(struct health *h, int64_t now_ms,
		   const struct health_counters counters[UPLINKS_MAX])
{
	for (uint8_t slot = 0; slot < UPLINKS_MAX; slot++)
		for (unsigned f = 0; counters[slot].is_known && f < COUNTED_FAMILIES; f++)
			family_take(&h->uplinks[slot].families[f], &counters[slot].flows[f]);
	for (uint8_t slot = 0; slot < UPLINKS_MAX; slot++) {
		for (unsigned f = 0; counters[slot].is_known && f < COUNTED_FAMILIES; f++)
			family_update(h, slot, &h->uplinks[slot].families[f], now_ms);
		if (counters[slot].is_known)
			both_suspicion_update(&h->uplinks[slot], now_ms);
		uplink_update(&h->uplinks[slot], now_ms);
	}
}

/* Return whether the uplink is suspect. Write the suspicion to *out: the one about both families
 * or, without it, that about the first suspect family. */
static bool uplink_suspect(const struct uplink_health *u, struct health_suspect *out)
{
	for (unsigned f = 0; f < COUNTED_FAMILIES; f++)
		out->families[f] = u->is_suspect;
	out->window_ms = u->suspect_samples * HEALTH_SAMPLE_MS;
	for (unsigned f = 0; f < COUNTED_FAMILIES && !u->is_suspect; f++) {
		if (!u->families[f].is_suspect)
			continue;
		out->families[f] = true;
		out->window_ms = u->families[f].suspect_samples * HEALTH_SAMPLE_MS;
		return true;
	}
	return u->is_suspect;
}

bool health_suspect(const struct health *h, struct health_suspect *out)
{
	*out = (struct health_suspect){0};
	for (out->slot = 0; out->slot < UPLINKS_MAX; out->slot++)
		if (uplink_suspect(&h->uplinks[out->slot], out))
			return true;
	return false;
}

/* Return the state that follows from the weighing of a suspected family. */
static enum health_state state_after(const struct judged *j, const struct weighing *w)
{
	enum weighing_finding finding = weighing_judge(w);

	if (j->is_loss)
		return weighing_is_degraded(w, DEGRADED_SHARE * normal_share(j)) ? HEALTH_DEGRADED
										 : j->state;
	if (finding == WEIGHING_SILENT)
		return HEALTH_SILENT;
	return finding == WEIGHING_SERVICE && j->state == HEALTH_HEALTHY ? HEALTH_DEGRADED
									 : j->state;
}

static void family_weighed(struct judged *j, const struct health_suspect *s,
			   const struct weighing *w, int64_t now_ms)
{
	enum health_state state = state_after(j, w);

	j->is_suspect = false;
	j->again_ms = now_ms + (j->is_loss ? AGAIN_LOSS_MS : AGAIN_SILENT_MS);
	if (state == j->state)
		return;
	j->state = state;
	if (state == HEALTH_DEGRADED)
		j->degraded_ms = now_ms;
	j->fault_ms = now_ms - s->window_ms;
}

void health_weighed(struct health *h, const struct health_suspect *s, const struct weighing *w,
		    int64_t now_ms)
{
	struct uplink_health *u = &h->uplinks[s->slot];

	for (unsigned f = 0; f < COUNTED_FAMILIES; f++) {
		if (!s->families[f] || (!u->is_suspect && !u->families[f].is_suspect))
			continue;
		u->families[f].is_loss &= !u->is_suspect;
		family_weighed(&u->families[f], s, w, now_ms);
	}
	u->is_suspect = false;
	uplink_update(u, now_ms);
}

/* --- view -------------------------------------------------------------------------------- */

#define VIEW_SAMPLES 60

void health_view(const struct health *h, uint8_t slot, struct health_view *out)
{
	const struct uplink_health *u = &h->uplinks[slot];
	double started = 0, expected = 0, others;

	*out = (struct health_view){
		.state = u->state,
		.since_ms = u->since_ms,
		.window_ms = VIEW_SAMPLES * HEALTH_SAMPLE_MS,
		.normal_permille = -1,
		.others_permille = -1,
	};
	for (unsigned f = 0; f < COUNTED_FAMILIES; f++) {
		const struct judged *j = &u->families[f];
		struct place p = window_sum(&j->window, 0, VIEW_SAMPLES);

		out->family_state[f] = j->state;
		out->flows.flows_started += p.started;
		out->flows.flows_answered += p.answered;
		started += j->normal_started;
		expected += normal_share(j) * j->normal_started;
		if (j->fault_ms > out->fault_ms)
			out->fault_ms = j->fault_ms;
	}
	if (started > 0)
		out->normal_permille = (int)(1000 * expected / started);
	others = others_ratio(h, slot, VIEW_SAMPLES);
	if (others >= 0)
		out->others_permille = (int)(1000 * others);
}
