/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_lab.h - a router with two uplinks and a LAN in a network namespace, set up for each
 * test, and helpers for the tests of the steering.
 */
#ifndef WAYMARK_TESTS_UNIT_STEERING_LAB_H
#define WAYMARK_TESTS_UNIT_STEERING_LAB_H

#include "waymark/config/config.h"
#include "waymark/steering/steering.h"

/* The configuration: wan1 (mark 2, table 251, weight 1) and wan2 (mark 3, table
 * 250, weight 2), gateways configured. Tests may change it. */
extern struct config steering_lab_config;
extern struct uplink_config steering_lab_uplinks[2];

/* cmocka's fixtures. The first one skips all tests where no namespace can be made. */
int steering_lab_group_start(void **state);
int steering_lab_start(void **state);
int steering_lab_stop(void **state);

/* Run a shell command; fail the test when it fails. */
__attribute__((format(printf, 1, 2))) void steering_lab_run(const char *format, ...);

/* The path of this test's state file. */
const char *steering_lab_state_path(void);

/* Return a command's output, malloc'd. */
__attribute__((format(printf, 1, 2))) char *steering_lab_output(const char *format, ...);
/* Return whether a command's output contains this text. */
bool steering_lab_shows(const char *command, const char *text);

/* Return rules, routes, ruleset and sysctls as the system's tools list them, malloc'd. */
char *steering_lab_listing(void);
/* Fail and print both when they differ; free them. */
void steering_lab_assert_same(char *before, char *after);

/* Return the steering of the lab's configuration, closed by steering_lab_stop. */
struct steering *steering_lab_steering(void);
/* Apply; on failure fail the test with the message. */
void steering_lab_apply(struct steering *s);
/* Reconcile until nothing is left to do; return the first one's number of changes. */
int steering_lab_reconcile(struct steering *s);
/* Return whether the kernel's state is as planned now. */
bool steering_lab_is_as_planned(struct steering *s);

#endif
