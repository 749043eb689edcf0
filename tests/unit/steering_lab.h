/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_lab.h - a router with two uplinks and a LAN in a network namespace,
 * new for each test, and what the tests of the steering ask of it.
 */
#ifndef WAYMARK_TESTS_UNIT_STEERING_LAB_H
#define WAYMARK_TESTS_UNIT_STEERING_LAB_H

#include "waymark/config/config.h"
#include "waymark/steering/steering.h"

/* The configuration: wan1 (mark 2, table 251, weight 1) and wan2 (mark 3, table
 * 250, weight 2), gateways given. Tests change it as they like. */
extern struct config steering_lab_config;
extern struct uplink_config steering_lab_uplinks[2];

/* cmocka's fixtures. The first one skips all where no namespace can be made. */
int steering_lab_group_start(void **state);
int steering_lab_start(void **state);
int steering_lab_stop(void **state);

/* Runs a shell command; fails the test when it fails. */
__attribute__((format(printf, 1, 2))) void steering_lab_run(const char *format, ...);

/* The state file of this test's steering. */
const char *steering_lab_state_path(void);

/* What a command prints, malloc'd. */
__attribute__((format(printf, 1, 2))) char *steering_lab_output(const char *format, ...);
/* Whether what it prints holds this text. */
bool steering_lab_shows(const char *command, const char *text);

/* Rules, routes, ruleset and sysctls as the system's tools list them; malloc'd. */
char *steering_lab_listing(void);
/* Fails with both when they differ; frees them. */
void steering_lab_assert_same(char *before, char *after);

/* The steering of the lab's configuration, closed by steering_lab_stop. */
struct steering *steering_lab_steering(void);
/* Applies, fails with what was said. */
void steering_lab_apply(struct steering *s);
/* Reconciles until there is nothing to do; returns what the first one changed. */
int steering_lab_reconcile(struct steering *s);
/* Whether what is there is what is planned now. */
bool steering_lab_is_as_planned(struct steering *s);

#endif
