/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_health.c - proves the detector with counters recorded from healthy traffic
 * (health_counters.txt, by tests/bench/health-record) and resampled: no false decision in 1,000
 * simulated minutes; silence, loss, a dead server, a scan and idleness get the right state.
 * Weighing and decisions are tested one by one.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "waymark/health/decide.h"
#include "waymark/health/health.h"

#define SERIES	   4 /* wan1 IPv4, wan1 IPv6, wan2 IPv4, wan2 IPv6 */
#define LINES_MAX  20000
#define BLOCK	   60 /* minimum of consecutive samples when the recording is resampled */
#define PER_MINUTE (60000 / HEALTH_SAMPLE_MS)

struct line {
	unsigned started[SERIES], answered[SERIES];
	bool is_joint; /* the latest flows of each series before it had replies */
};
static struct line lines[LINES_MAX];
static size_t n_lines;

/* The recording is cut and joined only at joints: otherwise two runs of flows to dead servers would
 * make a longer one than any that was recorded. */
static void joints_find(void)
{
	bool is_answered[SERIES] = {false};

	for (size_t at = 0; at < n_lines; at++) {
		lines[at].is_joint = true;
		for (unsigned i = 0; i < SERIES; i++) {
			lines[at].is_joint &= is_answered[i];
			if (lines[at].started[i])
				is_answered[i] = lines[at].answered[i];
		}
	}
}

static int recording_read(void **state)
{
	const char *dir = getenv("WAYMARK_SRC");
	char path[PATH_MAX];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/unit/health_counters.txt", dir ? dir : ".");
	file = fopen(path, "r");
	if (!file)
		return -1;
	while (n_lines < LINES_MAX) {
		struct line *l = &lines[n_lines];
		int n = 0;

		for (unsigned s = 0; s < SERIES; s++)
			n += fscanf(file, "%u %u %*u", &l->started[s], &l->answered[s]);
		if (n != 2 * SERIES)
			break;
		n_lines++;
	}
	fclose(file);
	joints_find();
	return n_lines > 30 * PER_MINUTE - BLOCK ? 0 : -1;
}

/* --- a simulation ------------------------------------------------------------------------- */

struct sim {
	struct health *h;
	struct health_counters counters[UPLINKS_MAX];
	int64_t now_ms;
	size_t at, block_left; /* in the recording; the minimum of further lines */
	unsigned weighings;    /* requested */
	/* The fault of slot 0, from fault_ms on. */
	int64_t fault_ms;
	double loss[COUNTED_FAMILIES];
	bool is_stopped[COUNTED_FAMILIES]; /* no flow starts */
	struct weighing weighing;	   /* what a dump would find */
};

static void block_choose(struct sim *s)
{
	do {
		s->at = (size_t)random() % (n_lines - BLOCK);
	} while (!lines[s->at].is_joint);
	s->block_left = BLOCK;
}

static void sim_open(struct sim *s)
{
	*s = (struct sim){.h = health_new(), .now_ms = 1000000};
	assert_non_null(s->h);
	s->counters[0].is_known = s->counters[1].is_known = true;
	block_choose(s);
}

static double uniform(void)
{
	return (double)random() / RAND_MAX;
}

static unsigned thinned(unsigned n, double loss)
{
	unsigned kept = 0;

	while (n--)
		kept += uniform() >= loss;
	return kept;
}

static void sim_step(struct sim *s)
{
	struct health_suspect suspect;

	if (s->at >= n_lines || (!s->block_left && lines[s->at].is_joint))
		block_choose(s);
	s->block_left -= s->block_left > 0;
	s->now_ms += HEALTH_SAMPLE_MS;
	for (unsigned i = 0; i < SERIES; i++) {
		struct flow_counts *c = &s->counters[i / 2].flows[i % 2];
		bool is_faulty = i < 2 && s->fault_ms && s->now_ms > s->fault_ms;

		if (is_faulty && s->is_stopped[i % 2])
			continue;
		c->flows_started += lines[s->at].started[i];
		c->flows_answered +=
			thinned(lines[s->at].answered[i], is_faulty ? s->loss[i % 2] : 0);
	}
	s->at++;
	health_sample(s->h, s->now_ms, s->counters);
	while (health_suspect(s->h, &suspect)) {
		s->weighings++;
		health_weighed(s->h, &suspect, &s->weighing, s->now_ms);
	}
}

static enum health_state state_of(const struct sim *s, uint8_t slot)
{
	struct health_view view;

	health_view(s->h, slot, &view);
	return view.state;
}

static void sim_run(struct sim *s, unsigned samples)
{
	while (samples--)
		sim_step(s);
}

static void sim_close(struct sim *s)
{
	health_free(s->h);
}

/* The dump that follows a suspicion would reject most of them; here it confirms each one. */
static const struct weighing worst = {.lost = 50, .unknown = 50, .sources = 9, .unknown_fair = 27};

static void test_healthy(void **state)
{
	struct sim s;
	unsigned wrong = 0;

	(void)state;
	sim_open(&s);
	s.weighing = worst;
	for (unsigned i = 0; i < 1000 * PER_MINUTE; i++) {
		sim_step(&s);
		wrong += state_of(&s, 0) > HEALTH_HEALTHY || state_of(&s, 1) > HEALTH_HEALTHY;
	}
	print_message("1000 minutes: %u suspicions\n", s.weighings);
	assert_int_equal(wrong, 0);
	assert_int_equal(state_of(&s, 0), HEALTH_HEALTHY);
	sim_close(&s);
}

static int compare_ms(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Return the milliseconds until the uplink has the state, or -1. */
static int run_until(struct sim *s, enum health_state wanted)
{
	int64_t begun_ms = s->now_ms;

	for (unsigned i = 0; i < 2 * PER_MINUTE; i++) {
		sim_step(s);
		if (state_of(s, 0) == wanted)
			return (int)(s->now_ms - begun_ms);
	}
	return -1;
}

static void fault_begin(struct sim *s, double loss4, double loss6)
{
	s->loss[0] = loss4;
	s->loss[1] = loss6;
	s->fault_ms = s->now_ms;
}

#define FAULTS 600 /* with fewer the slowest tenth is chance */

/* The time within which nine of ten faults are found. */
static int p90_of(const char *what, int took_ms[FAULTS])
{
	qsort(took_ms, FAULTS, sizeof(took_ms[0]), compare_ms);
	print_message("%s: p50 %d ms, p90 %d ms, not found %d\n", what, took_ms[FAULTS / 2],
		      took_ms[FAULTS * 9 / 10], took_ms[0] < 0);
	assert_true(took_ms[FAULTS / 10] > 0);
	return took_ms[FAULTS * 9 / 10];
}

static int detect_p90(double loss4, double loss6, enum health_state wanted)
{
	int took_ms[FAULTS];

	for (unsigned i = 0; i < FAULTS; i++) {
		struct sim s;

		sim_open(&s);
		sim_run(&s, 5 * PER_MINUTE);
		s.weighing = worst;
		fault_begin(&s, loss4, loss6);
		took_ms[i] = run_until(&s, wanted);
		sim_close(&s);
	}
	return p90_of(health_state_name(wanted), took_ms);
}

/* The recording has about 5 new flows per second, uplink and family. */
static void test_silent(void **state)
{
	(void)state;
	assert_in_range(detect_p90(1, 1, HEALTH_SILENT), 1, 20000);
}

static void test_one_family(void **state)
{
	(void)state;
	assert_in_range(detect_p90(1, 0, HEALTH_DEGRADED), 1, 20000);
}

/* Few flows of the working family without answers, by chance, do not make the uplink silent. */
static void test_one_family_begins(void **state)
{
	unsigned n_silent = 0;

	(void)state;
	for (unsigned i = 0; i < FAULTS; i++) {
		bool is_silent = false;
		struct sim s;

		sim_open(&s);
		sim_run(&s, 5 * PER_MINUTE);
		s.weighing = worst;
		fault_begin(&s, 1, 0);
		for (unsigned n = 0; n < 30; n++) {
			sim_step(&s);
			is_silent |= state_of(&s, 0) == HEALTH_SILENT;
		}
		n_silent += is_silent;
		sim_close(&s);
	}
	print_message("one family silent: the uplink in %u of %u\n", n_silent, FAULTS);
	assert_in_range(n_silent, 0, FAULTS / 50);
}

static void test_lossy(void **state)
{
	(void)state;
	assert_in_range(detect_p90(0.5, 0.5, HEALTH_DEGRADED), 1, 60000);
}

/* 20 new flows per second, spread over the families, 5 % of them to dead servers; from one moment on
 * no replies. Return the time from that moment to the state silent. */
static int silent_after_ms(unsigned n_families)
{
	struct health *h = health_new();
	struct health_counters counters[UPLINKS_MAX] = {{.is_known = true}};
	struct health_suspect suspect;
	struct health_view view = {0};
	int64_t now_ms = 0, fault_ms = 60000 + random() % HEALTH_SAMPLE_MS;

	while (view.state != HEALTH_SILENT && now_ms < 120000) {
		for (int i = 0; i < 20 * HEALTH_SAMPLE_MS / 1000 * 2; i++) {
			unsigned family = n_families > 1 ? (unsigned)random() % n_families : 0;
			struct flow_counts *c = &counters[0].flows[family];
			bool is_begun = random() % 2;

			c->flows_started += is_begun;
			c->flows_answered += is_begun && uniform() < 0.95 &&
					     now_ms + i * HEALTH_SAMPLE_MS / 20 < fault_ms;
		}
		now_ms += HEALTH_SAMPLE_MS;
		health_sample(h, now_ms, counters);
		while (health_suspect(h, &suspect))
			health_weighed(h, &suspect, &worst, now_ms);
		health_view(h, 0, &view);
	}
	health_free(h);
	return (int)(now_ms - fault_ms);
}

static void test_silent_in_time(void **state)
{
	int took_ms[FAULTS];

	(void)state;
	for (unsigned n = 0; n < FAULTS; n++)
		took_ms[n] = silent_after_ms(1);
	assert_in_range(p90_of("20 new flows/s", took_ms), 1, 2600);
}

/* One family is silent; no flow of the other one starts, as when no name is resolved: what is left
 * of it is no sign of life. */
static void test_other_family_stops(void **state)
{
	int degraded_ms[FAULTS], silent_ms[FAULTS];

	(void)state;
	for (unsigned i = 0; i < FAULTS; i++) {
		struct sim s;

		sim_open(&s);
		sim_run(&s, 5 * PER_MINUTE);
		s.weighing = worst;
		fault_begin(&s, 1, 0);
		degraded_ms[i] = run_until(&s, HEALTH_DEGRADED);
		s.is_stopped[1] = true;
		silent_ms[i] = run_until(&s, HEALTH_SILENT);
		assert_int_equal(state_of(&s, 1), HEALTH_HEALTHY);
		sim_close(&s);
	}
	assert_in_range(p90_of("one family", degraded_ms), 1, 15000);
	assert_in_range(p90_of("the other one stops", silent_ms), 1, 30000);
}

/* One family stays dead: the answers of the other one leave no doubt about it, except that a pause
 * without any traffic looks silent. */
static void test_one_family_lasts(void **state)
{
	unsigned n_silent = 0, n_degraded = 0;
	struct sim s;

	(void)state;
	sim_open(&s);
	sim_run(&s, 5 * PER_MINUTE);
	s.weighing = worst;
	fault_begin(&s, 1, 0);
	for (unsigned i = 0; i < 1000 * PER_MINUTE; i++) {
		sim_step(&s);
		n_degraded += state_of(&s, 0) == HEALTH_DEGRADED;
		n_silent += state_of(&s, 0) == HEALTH_SILENT;
	}
	print_message("one family dead: degraded %u s, silent %u s, %u weighings\n", n_degraded / 2,
		      n_silent / 2, s.weighings);
	assert_int_equal(s.weighings, 1);
	assert_in_range(n_silent, 0, n_degraded / 20);
	sim_close(&s);
}

static void test_both_families_in_time(void **state)
{
	int took_ms[FAULTS];

	(void)state;
	for (unsigned n = 0; n < FAULTS; n++)
		took_ms[n] = silent_after_ms(2);
	assert_in_range(p90_of("10 new flows/s in each family", took_ms), 1, 2300);
}

/* A suspicion that the weighing rejects changes nothing; replies end silence. */
static void test_rejected_and_recovered(void **state)
{
	int suspect_ms[FAULTS], silent_ms[FAULTS], healthy_ms[FAULTS];

	(void)state;
	for (unsigned i = 0; i < FAULTS; i++) {
		struct sim s;

		sim_open(&s);
		sim_run(&s, 5 * PER_MINUTE);
		s.weighing = (struct weighing){.lost = 1, .sources = 1};
		s.weighings = 0;
		fault_begin(&s, 1, 1);
		while (!s.weighings && s.now_ms < s.fault_ms + 2 * 60000)
			sim_step(&s);
		suspect_ms[i] = s.weighings ? (int)(s.now_ms - s.fault_ms) : -1;
		/* idle: after a minute without flows, which the recording has once */
		assert_true(state_of(&s, 0) <= HEALTH_HEALTHY);
		s.weighing = worst;
		silent_ms[i] = run_until(&s, HEALTH_SILENT);
		assert_int_equal(state_of(&s, 1), HEALTH_HEALTHY);
		s.fault_ms = 0;
		healthy_ms[i] = run_until(&s, HEALTH_HEALTHY);
		sim_close(&s);
	}
	assert_in_range(p90_of("suspected", suspect_ms), 1, 30000);
	assert_in_range(p90_of("confirmed", silent_ms), 1, 30000);
	assert_in_range(p90_of("recovered", healthy_ms), 1, 30000);
}

/* Without flows nothing is decided, however long it lasts. */
static void test_idle(void **state)
{
	struct sim s;

	(void)state;
	sim_open(&s);
	s.weighing = worst;
	sim_run(&s, 2 * PER_MINUTE);
	for (unsigned i = 0; i < 60 * PER_MINUTE; i++) {
		s.now_ms += HEALTH_SAMPLE_MS;
		health_sample(s.h, s.now_ms, s.counters);
	}
	assert_int_equal(state_of(&s, 0), HEALTH_IDLE);
	health_retry(s.h, 0, s.now_ms);
	sim_run(&s, PER_MINUTE);
	assert_int_equal(state_of(&s, 0), HEALTH_HEALTHY);
	sim_close(&s);
}

/* --- weighing ----------------------------------------------------------------------------- */

static struct addr address(unsigned n)
{
	struct addr a;
	char text[ADDR_STRLEN];

	snprintf(text, sizeof(text), "198.18.%u.%u", n / 250, 1 + n % 250);
	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

#define NOW INT64_C(1000000)

static void take_service(struct weigher *w, unsigned src, unsigned dst, uint16_t port,
			 bool is_answered, int64_t age_ms)
{
	struct addr from = address(60000 + src), to = address(dst);

	weigher_take(w, &(struct weighed_flow){.src = &from,
					       .dst = &to,
					       .service = weigh_service(IPPROTO_UDP, port),
					       .is_answered = is_answered,
					       .started_ms = NOW - age_ms});
}

static void take(struct weigher *w, unsigned src, unsigned dst, bool is_answered, int64_t age_ms)
{
	take_service(w, src, dst, 80, is_answered, age_ms);
}

static void take_elsewhere(struct weigher *w, uint16_t port, bool is_answered, int64_t age_ms)
{
	struct addr a = address(1);

	weigher_take_elsewhere(w,
			       &(struct weighed_flow){.src = &a,
						      .dst = &a,
						      .service = weigh_service(IPPROTO_TCP, port),
						      .is_answered = is_answered,
						      .started_ms = NOW - age_ms});
}

static enum weighing_finding finding_of(struct weigher *w)
{
	struct weighing sum;

	weigher_sum(w, &sum);
	return weighing_judge(&sum);
}

/* The flows of a finished scan do not hide an outage. */
static void test_weigh_after_scan(void **state)
{
	struct weigher *w = weigher_new(NOW, 3000);
	struct weighing sum;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		take(w, 1, 100 + i, false, 20000);
	for (unsigned i = 0; i < 4; i++) {
		take(w, i, 10 + i, true, 20000);
		take(w, i, 10 + i, false, 2000);
	}
	weigher_sum(w, &sum);
	assert_int_equal(sum.lost, 4);
	assert_int_equal(sum.unknown, 0);
	assert_int_equal(weighing_judge(&sum), WEIGHING_SILENT);
	weigher_free(w);
}

static void test_weigh(void **state)
{
	struct weigher *w;
	struct weighing sum;

	(void)state;
	/* one popular server with many clients is dead */
	w = weigher_new(NOW, 3000);
	for (unsigned i = 0; i < 20; i++) {
		take(w, i, 7, false, 2000);
		take(w, i, 7, true, 60000);
	}
	weigher_sum(w, &sum);
	assert_int_equal(sum.lost, 1);
	assert_int_equal(weighing_judge(&sum), WEIGHING_NOTHING);
	assert_false(weighing_is_degraded(&sum, 0.8));
	/* the other servers reply */
	take(w, 1, 8, true, 2000);
	weigher_sum(w, &sum);
	assert_int_equal(sum.alive, 1);
	weigher_free(w);
	/* one host scans */
	w = weigher_new(NOW, 3000);
	for (unsigned i = 0; i < 1000; i++)
		take(w, 1, i, false, 2000);
	weigher_sum(w, &sum);
	assert_int_equal(sum.unknown, 1000);
	assert_int_equal(sum.unknown_fair, 3);
	assert_int_equal(weighing_judge(&sum), WEIGHING_NOTHING);
	assert_false(weighing_is_degraded(&sum, 0.8));
	weigher_free(w);
	/* servers that replied before do not reply now, apart from too young flows */
	w = weigher_new(NOW, 3000);
	for (unsigned i = 0; i < 3; i++) {
		take(w, 1, i, true, 30000);
		take(w, 1, i, false, 1000);
		take(w, 1, 100 + i, false, 100);
	}
	weigher_sum(w, &sum);
	assert_int_equal(sum.lost, 3);
	assert_int_equal(sum.unknown, 0);
	assert_int_equal(weighing_judge(&sum), WEIGHING_SILENT);
	weigher_free(w);
}

/* Two hosts ask servers for names, which had answers before, as web servers had. */
static struct weigher *names_unanswered(uint32_t window_ms)
{
	struct weigher *w = weigher_new(NOW, window_ms);

	assert_non_null(w);
	for (unsigned i = 0; i < 10; i++) {
		take_service(w, i % 2, i, 53, true, 30000);
		take_service(w, i % 2, i, 80, true, 30000);
		take_service(w, i % 2, i, 53, false, 1000);
	}
	return w;
}

/* Name resolution is dead everywhere. */
static void test_weigh_service(void **state)
{
	struct weigher *w = names_unanswered(2000);

	(void)state;
	/* the other uplink answered until a moment ago */
	take_elsewhere(w, 53, true, 1900);
	take_elsewhere(w, 53, true, 1900);
	for (unsigned i = 0; i < 5; i++)
		take_elsewhere(w, 53, false, 1000);
	assert_int_equal(finding_of(w), WEIGHING_SERVICE);
	/* one web server is dead, and one never answered */
	take_service(w, 0, 3, 80, false, 1000);
	take_service(w, 0, 50, 80, false, 1000);
	assert_int_equal(finding_of(w), WEIGHING_SERVICE);
	/* one web server answers */
	take_service(w, 0, 4, 80, true, 1000);
	assert_int_equal(finding_of(w), WEIGHING_NOTHING);
	weigher_free(w);
	/* however long it lasts */
	w = names_unanswered(20000);
	for (unsigned i = 0; i < 5; i++)
		take_elsewhere(w, 53, false, 1000);
	assert_int_equal(finding_of(w), WEIGHING_SERVICE);
	weigher_free(w);
	/* the other uplink has no traffic: it is not known yet */
	w = names_unanswered(2000);
	assert_int_equal(finding_of(w), WEIGHING_SERVICE);
	weigher_free(w);
}

/* The uplink is silent, although most of its traffic is name resolution. */
static void test_weigh_silent_service(void **state)
{
	struct weigher *w = names_unanswered(2000);

	(void)state;
	/* two web servers no longer answer */
	take_service(w, 0, 3, 80, false, 1000);
	take_service(w, 0, 4, 80, false, 1000);
	assert_int_equal(finding_of(w), WEIGHING_SILENT);
	weigher_free(w);
	/* the other uplink gets answers from name servers, and one web server is dead here */
	w = names_unanswered(2000);
	for (unsigned i = 0; i < 5; i++)
		take_elsewhere(w, 53, true, 1000);
	assert_int_equal(finding_of(w), WEIGHING_SERVICE);
	take_service(w, 0, 3, 80, false, 1000);
	assert_int_equal(finding_of(w), WEIGHING_SILENT);
	weigher_free(w);
	/* ... or nothing else began for long */
	w = names_unanswered(4000);
	for (unsigned i = 0; i < 5; i++)
		take_elsewhere(w, 53, true, 1000);
	assert_int_equal(finding_of(w), WEIGHING_SILENT);
	weigher_free(w);
	/* the other uplink has no traffic: it takes longer */
	w = names_unanswered(10000);
	assert_int_equal(finding_of(w), WEIGHING_SILENT);
	weigher_free(w);
	/* the uplink never had other traffic */
	w = weigher_new(NOW, 2000);
	for (unsigned i = 0; i < 3; i++) {
		take_service(w, i, i, 53, true, 30000);
		take_service(w, i, i, 53, false, 1000);
	}
	assert_int_equal(finding_of(w), WEIGHING_SILENT);
	weigher_free(w);
}

/* A dead service degrades the uplink; when the flows of another one are unanswered, too, it is
 * silent. */
static void test_service_degrades(void **state)
{
	struct weighing names = {.lost = 8,
				 .sources = 2,
				 .service = 53,
				 .service_dead = 8,
				 .had_other = true,
				 .elsewhere_unanswered = 5,
				 .window_ms = 2000};
	struct sim s;

	(void)state;
	sim_open(&s);
	sim_run(&s, 5 * PER_MINUTE);
	s.weighing = names;
	fault_begin(&s, 1, 1);
	assert_true(run_until(&s, HEALTH_DEGRADED) > 0);
	for (unsigned i = 0; i < 10; i++) {
		sim_step(&s);
		assert_int_equal(state_of(&s, 0), HEALTH_DEGRADED);
	}
	s.weighing = worst;
	assert_true(run_until(&s, HEALTH_SILENT) > 0);
	sim_close(&s);
}

/* --- decisions ---------------------------------------------------------------------------- */

struct deciding {
	struct decide *d;
	struct health_config config;
	struct decide_input in[UPLINKS_MAX];
	struct decision out[UPLINKS_MAX];
	int64_t now_ms;
};

static void deciding_open(struct deciding *x, enum config_on_failure on_failure)
{
	*x = (struct deciding){.d = decide_new(), .now_ms = 1000};
	x->config = (struct health_config){.passive = true,
					   .interval_ms = 1000,
					   .down_after = 2,
					   .up_after = 3,
					   .on_failure = on_failure};
	for (int i = 0; i < 2; i++)
		x->in[i] = (struct decide_input){
			.config = &x->config, .is_usable = true, .passive = HEALTH_HEALTHY};
}

static enum health_action decided(struct deciding *x, uint8_t slot, int64_t after_ms)
{
	x->now_ms += after_ms;
	decide_all(x->d, x->in, x->now_ms, x->out);
	return x->out[slot].action;
}

static void test_decide_passive(void **state)
{
	struct deciding x;

	(void)state;
	deciding_open(&x, ON_FAILURE_DOWN);
	assert_int_equal(decided(&x, 0, 0), ACTION_NONE);
	x.in[0].passive = HEALTH_DEGRADED;
	assert_int_equal(decided(&x, 0, 100), ACTION_NONE);
	x.in[0].passive = HEALTH_SILENT;
	assert_int_equal(decided(&x, 0, 100), ACTION_DOWN);
	assert_true(x.out[0].is_failed);
	/* the last usable uplink stays */
	x.in[1].passive = HEALTH_SILENT;
	assert_int_equal(decided(&x, 1, 100), ACTION_NONE);
	assert_true(x.out[1].is_last);
	/* it loses its carrier: the other one is up again, whatever its health */
	x.in[1].is_usable = false;
	decided(&x, 0, 100);
	assert_int_equal(decided(&x, 0, 100), ACTION_NONE);
	decide_free(x.d);
	/* used again after the hold, and held longer after the next failure */
	deciding_open(&x, ON_FAILURE_DOWN);
	x.in[0].passive = HEALTH_SILENT;
	assert_int_equal(decided(&x, 0, 100), ACTION_DOWN);
	assert_int_equal(decided(&x, 0, DECIDE_HOLD_MS - 100), ACTION_DOWN);
	assert_int_equal(decided(&x, 0, 200), ACTION_NONE);
	assert_true(x.out[0].is_retry);
	assert_int_equal(decided(&x, 0, 100), ACTION_DOWN);
	assert_int_equal(decided(&x, 0, DECIDE_HOLD_MS + 200), ACTION_DOWN);
	assert_int_equal(decided(&x, 0, DECIDE_HOLD_MS), ACTION_NONE);
	decide_free(x.d);
	deciding_open(&x, ON_FAILURE_ALERT);
	x.in[0].passive = HEALTH_SILENT;
	assert_int_equal(decided(&x, 0, 100), ACTION_NONE);
	assert_true(x.out[0].is_failed);
	decide_free(x.d);
}

static void test_decide_checks(void **state)
{
	struct deciding x;
	char program[] = "/bin/true";

	(void)state;
	deciding_open(&x, ON_FAILURE_DRAIN);
	x.config.exec = program;
	assert_int_equal(decide_check_state(x.d, 0), -1);
	decide_check_done(x.d, 0, &x.config, false);
	assert_int_equal(decided(&x, 0, 100), ACTION_NONE);
	decide_check_done(x.d, 0, &x.config, false);
	assert_int_equal(decided(&x, 0, 100), ACTION_DRAIN);
	for (int i = 0; i < 2; i++)
		decide_check_done(x.d, 0, &x.config, true);
	assert_int_equal(decided(&x, 0, DECIDE_HOLD_MS), ACTION_DRAIN);
	decide_check_done(x.d, 0, &x.config, true);
	assert_int_equal(decided(&x, 0, 100), ACTION_NONE);
	assert_int_equal(decide_check_state(x.d, 0), 1);
	decide_free(x.d);
}

static void test_decide_operator(void **state)
{
	struct deciding x;

	(void)state;
	deciding_open(&x, ON_FAILURE_DOWN);
	x.in[0].operator_word = OPERATOR_DRAIN;
	assert_int_equal(decided(&x, 0, 100), ACTION_DRAIN);
	assert_true(x.out[0].is_operator);
	x.in[0].passive = HEALTH_SILENT;
	x.in[0].operator_word = OPERATOR_UP;
	assert_int_equal(decided(&x, 0, 100), ACTION_NONE);
	x.in[0].operator_word = x.in[1].operator_word = OPERATOR_DOWN;
	assert_int_equal(decided(&x, 1, 100), ACTION_DOWN);
	assert_int_equal(x.out[0].action, ACTION_DOWN);
	assert_int_equal(operator_word_parse("drain"), OPERATOR_DRAIN);
	assert_int_equal(operator_word_parse("sideways"), -EINVAL);
	decide_free(x.d);
}

int main(void)
{
	const char *seed_text = getenv("WAYMARK_SEED");
	unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 10) : (unsigned)time(NULL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_silent_in_time),
		cmocka_unit_test(test_one_family),
		cmocka_unit_test(test_one_family_begins),
		cmocka_unit_test(test_lossy),
		cmocka_unit_test(test_one_family_lasts),
		cmocka_unit_test(test_both_families_in_time),
		cmocka_unit_test(test_other_family_stops),
		cmocka_unit_test(test_rejected_and_recovered),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_weigh),
		cmocka_unit_test(test_weigh_after_scan),
		cmocka_unit_test(test_weigh_service),
		cmocka_unit_test(test_weigh_silent_service),
		cmocka_unit_test(test_service_degrades),
		cmocka_unit_test(test_decide_passive),
		cmocka_unit_test(test_decide_checks),
		cmocka_unit_test(test_decide_operator),
	};

	print_message("seed %u\n", seed);
	srandom(seed);
	return cmocka_run_group_tests(tests, recording_read, NULL);
}
