/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_tamper.c - proves when things that other processes undo are restored, reported and given up;
 * and which process is named.
 */
#define _GNU_SOURCE /* unshare */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tamper_objects.h"
#include "daemon/tamper_suspects.h"
#include "waymark/kernel/privilege.h"

#define START_MS INT64_C(1700000000000)

static enum thing_answer ask(struct things *t, const char *name, bool is_repaired, int64_t now_ms)
{
	enum thing_answer answer;

	tamper_objects_begin(t, now_ms);
	answer = tamper_objects_ask(t, name, is_repaired);
	tamper_objects_end(t);
	return answer;
}

/* Undo at once after each restore, until the decision is neither "restore" nor "wait". */
static enum thing_answer fight(struct things *t, int64_t *now_ms, int *restores)
{
	enum thing_answer answer;

	for (*restores = 0;; *now_ms += 600) {
		answer = ask(t, "rule", true, *now_ms);
		if (answer == THING_RESTORE)
			++*restores;
		else if (answer != THING_WAIT)
			return answer;
	}
}

static void gives_up_a_fight_once_and_tries_again(void **state)
{
	struct things *t = tamper_objects_new();
	int64_t now_ms = START_MS;
	int restores;

	(void)state;
	assert_int_equal(fight(t, &now_ms, &restores), THING_GIVE_UP);
	assert_int_equal(restores, THING_FIGHT_MAX);
	assert_false(tamper_objects_is_waiting(t));
	assert_int_equal(tamper_objects_next_ms(t), now_ms + THING_REST_MS);
	assert_int_equal(ask(t, "rule", true, now_ms + 1000), THING_LEAVE);
	assert_int_equal(ask(t, "route", true, now_ms + 1000), THING_RESTORE);
	assert_int_equal(ask(t, "rule", true, now_ms + THING_REST_MS - 1), THING_LEAVE);
	assert_int_equal(ask(t, "rule", true, now_ms + THING_REST_MS), THING_RESTORE);
	assert_int_equal(tamper_objects_next_ms(t), 0);
	tamper_objects_forget(t);
	assert_int_equal(ask(t, "rule", true, now_ms), THING_RESTORE);
	tamper_objects_free(t);
}

/* The first restores are immediate, the others are spaced; a waiting one is due then. */
static void spaces_the_restores_of_one_thing(void **state)
{
	struct things *t = tamper_objects_new();
	int64_t now_ms = START_MS;

	(void)state;
	for (int i = 0; i < THING_PROMPT_MAX; i++, now_ms += 1000)
		assert_int_equal(ask(t, "rule", true, now_ms), THING_RESTORE);
	assert_int_equal(ask(t, "rule", true, now_ms), THING_WAIT);
	assert_true(tamper_objects_is_waiting(t));
	now_ms += THING_SPACING_MS - 1000;
	assert_int_equal(tamper_objects_next_ms(t), now_ms);
	assert_int_equal(ask(t, "rule", true, now_ms - 1), THING_WAIT);
	assert_int_equal(ask(t, "rule", true, now_ms), THING_RESTORE);
	assert_int_equal(ask(t, "rule", true, now_ms + THING_PROMPT_MS), THING_RESTORE);
	/* The rule is correct again: nothing waits any more. */
	for (int i = 0; i < THING_PROMPT_MAX; i++)
		ask(t, "rule", true, now_ms + THING_PROMPT_MS + 10 * (i + 1));
	assert_true(tamper_objects_is_waiting(t));
	ask(t, "route", true, now_ms + THING_PROMPT_MS + 1000);
	assert_false(tamper_objects_is_waiting(t));
	tamper_objects_free(t);
}

/* A network manager deletes foreign rules once for each interface that it configures. */
static void does_not_take_link_events_for_a_fight(void **state)
{
	struct things *t = tamper_objects_new();
	enum thing_answer answer;
	int restores = 0;

	(void)state;
	for (int64_t now_ms = START_MS; now_ms < START_MS + 120000; now_ms += 1500) {
		tamper_objects_note_link(t, now_ms - 500);
		answer = ask(t, "rule", true, now_ms);
		assert_true(answer == THING_RESTORE || answer == THING_WAIT);
		restores += answer == THING_RESTORE;
	}
	assert_in_range(restores, 15, 40);
	tamper_objects_free(t);
}

/* A crafted process name cannot write a line of its own into a log. */
static void takes_no_more_than_a_name(void **state)
{
	char former[16] = "";
	struct who w;

	(void)state;
	prctl(PR_GET_NAME, former);
	prctl(PR_SET_NAME, "a\nb\033[31m\351");
	who_of_port(&w, (uint32_t)getpid());
	prctl(PR_SET_NAME, former);
	assert_string_equal(w.process, privilege_has_net_admin() ? "a?b?[31m?" : "");
	who_set_name(&w, "nft\nerror: <2>");
	assert_string_equal(w.process, "nft?error: <2>");
}

/* Rare changes are no fight. */
static void goes_on_where_it_is_rare(void **state)
{
	struct things *t = tamper_objects_new();

	(void)state;
	for (int64_t i = 0; i < 100; i++)
		assert_int_equal(ask(t, "rule", true, START_MS + i * 12001), THING_RESTORE);
	tamper_objects_free(t);
}

/* A failed restore is asked for again at the same time, and counts once. */
static void counts_a_pass_once(void **state)
{
	struct things *t = tamper_objects_new();

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(t, "rule", true, START_MS), THING_RESTORE);
	assert_int_equal(ask(t, "rule", true, START_MS + 1), THING_RESTORE);
	tamper_objects_free(t);
}

static void reports_once_while_it_lasts(void **state)
{
	struct things *t = tamper_objects_new();

	(void)state;
	assert_int_equal(ask(t, "rule", false, START_MS), THING_NOTICE);
	assert_int_equal(ask(t, "rule", false, START_MS + 1), THING_LEAVE);
	assert_int_equal(ask(t, "route", false, START_MS + 2), THING_NOTICE);
	/* The rule was not asked for: it is correct again. */
	assert_int_equal(ask(t, "rule", false, START_MS + 3), THING_NOTICE);
	tamper_objects_free(t);
}

static void survives_a_clock_that_jumps_back(void **state)
{
	struct things *t = tamper_objects_new();
	int64_t now_ms = START_MS;
	int restores;

	(void)state;

	fight(t, &now_ms, &restores);
	assert_int_equal(ask(t, "rule", true, now_ms + 10), THING_LEAVE);
	assert_int_equal(ask(t, "rule", true, now_ms - 3600000), THING_RESTORE);
	/* The maximum of immediate restores, long ago, does not count now. */
	for (int i = 0; i < THING_PROMPT_MAX; i++)
		assert_int_equal(ask(t, "route", true, now_ms + i), THING_RESTORE);
	assert_int_equal(ask(t, "route", true, now_ms - 3600000), THING_RESTORE);
	tamper_objects_free(t);
}

static void forgets_the_oldest_of_many(void **state)
{
	struct things *t = tamper_objects_new();
	char name[16];

	(void)state;
	for (int i = 0; i <= THINGS_MAX; i++) {
		snprintf(name, sizeof(name), "thing %d", i);
		assert_int_equal(ask(t, name, true, START_MS + i), THING_RESTORE);
	}
	tamper_objects_free(t);
}

/* --- processes ----------------------------------------------------------------------------- */

static void takes_ports_for_processes(void **state)
{
	uint32_t own = (uint32_t)getpid();
	bool may = privilege_has_net_admin();
	struct who w;

	(void)state;
	who_of_port(&w, 0);
	assert_true(w.is_kernel);
	who_of_port(&w, own);
	assert_int_equal(w.pid, own);
	assert_string_equal(w.process, may ? "test_tamper" : "");
	who_of_port(&w, own | 5u << 22); /* as libnl chooses it */
	assert_int_equal(w.pid, own);
	assert_string_equal(w.process, may ? "test_tamper" : "");
	who_of_port(&w, (1u << 22) - 2); /* of a process that has ended */
	assert_int_equal(w.pid, (1 << 22) - 2);
	assert_string_equal(w.process, "");
	who_of_port(&w, 0xffffeffe); /* as the kernel chooses it, for a second socket */
	assert_int_equal(w.pid, 0);
	assert_false(w.is_kernel);
}

/* A child without the capability, or in another network namespace, cannot have done it. */
static void names_no_process_that_cannot_have_done_it(void **state)
{
	for (int flags = 0; flags < 2; flags++) {
		int ready[2];
		pid_t child;
		char byte;
		struct who w;

		(void)state;
		assert_int_equal(pipe(ready), 0);
		child = fork();
		if (!child) {
			if (flags ? unshare(CLONE_NEWNET) : setresuid(65534, 65534, 65534))
				_exit(1);
			(void)!write(ready[1], "x", 1);
			pause();
		}
		close(ready[1]);
		if (read(ready[0], &byte, 1) == 1) {
			who_of_port(&w, (uint32_t)child);
			assert_string_equal(w.process, "");
		}
		close(ready[0]);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

/* The name is the kernel's; a pid of another process here is not used. */
static void takes_the_name_of_a_generation_not_its_number(void **state)
{
	struct who w;

	(void)state;
	who_of_generation(&w, getpid(), "nft");
	assert_int_equal(w.pid, 0);
	assert_string_equal(w.process, "nft");
	who_of_generation(&w, getpid(), "test_tamper");
	assert_int_equal(w.pid, getpid());
	who_of_generation(&w, (1 << 22) - 2, "nft");
	assert_int_equal(w.pid, (1 << 22) - 2);
}

static struct route_state route_of(uint32_t table, uint32_t metric)
{
	return (struct route_state){.family = AF_INET, .table = table, .metric = metric};
}

static void finds_who_was_last(void **state)
{
	struct traces *t = tamper_suspects_new();
	struct who one = {.pid = 1}, two = {.pid = 2};
	struct route_state a = route_of(250, 0), b = route_of(251, 0);
	struct rule_state rule = {.family = AF_INET, .priority = 1001}, other = rule;

	(void)state;
	other.priority++;
	assert_null(tamper_suspects_of_route(t, &a));
	tamper_suspects_add_route(t, &a, &one);
	tamper_suspects_add_route(t, &a, &two);
	tamper_suspects_add_route(t, &b, &one);
	tamper_suspects_add_rule(t, &rule, &two);
	assert_int_equal(tamper_suspects_of_route(t, &a)->pid, 2);
	assert_int_equal(tamper_suspects_of_route(t, &b)->pid, 1);
	assert_int_equal(tamper_suspects_of_rule(t, &rule)->pid, 2);
	assert_null(tamper_suspects_of_rule(t, &other));
	for (uint32_t i = 1; i <= TRACES_MAX; i++) {
		struct route_state r = route_of(9, i);

		tamper_suspects_add_route(t, &r, &one);
	}
	assert_null(tamper_suspects_of_rule(t, &rule));
	tamper_suspects_clear(t);
	a = route_of(9, TRACES_MAX);
	assert_null(tamper_suspects_of_route(t, &a));
	tamper_suspects_free(t);
}

static void knows_the_links_that_changed(void **state)
{
	struct traces *t = tamper_suspects_new();
	struct nexthop hops[2] = {{.ifindex = 3}, {.ifindex = 4}};
	struct route_state r = {.nexthops = hops, .n_nexthops = 2};

	(void)state;
	tamper_suspects_add_link(t, 5);
	assert_false(tamper_suspects_has_link_of(t, &r));
	tamper_suspects_add_link(t, 4);
	assert_true(tamper_suspects_has_link_of(t, &r));
	tamper_suspects_clear(t);
	assert_false(tamper_suspects_has_link_of(t, &r));
	/* Too many processes to distinguish: it may be any. */
	for (uint32_t i = 0; i <= TRACED_LINKS_MAX; i++)
		tamper_suspects_add_link(t, 100 + i);
	assert_true(tamper_suspects_has_link_of(t, &r));
	tamper_suspects_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_up_a_fight_once_and_tries_again),
		cmocka_unit_test(spaces_the_restores_of_one_thing),
		cmocka_unit_test(does_not_take_link_events_for_a_fight),
		cmocka_unit_test(takes_no_more_than_a_name),
		cmocka_unit_test(goes_on_where_it_is_rare),
		cmocka_unit_test(counts_a_pass_once),
		cmocka_unit_test(reports_once_while_it_lasts),
		cmocka_unit_test(survives_a_clock_that_jumps_back),
		cmocka_unit_test(forgets_the_oldest_of_many),
		cmocka_unit_test(takes_ports_for_processes),
		cmocka_unit_test(names_no_process_that_cannot_have_done_it),
		cmocka_unit_test(takes_the_name_of_a_generation_not_its_number),
		cmocka_unit_test(finds_who_was_last),
		cmocka_unit_test(knows_the_links_that_changed),
	};

	return cmocka_run_group_tests_name("tamper", tests, NULL, NULL);
}
