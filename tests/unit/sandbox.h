/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox.h - a network namespace of a test's own, with loopback up.
 *
 * The process moves into it for good; it vanishes with the process. Must not be
 * used before a test has asked sandbox_enter, lest the machine's own network be
 * changed.
 */
#ifndef WAYMARK_TESTS_UNIT_SANDBOX_H
#define WAYMARK_TESTS_UNIT_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/* Enters a new network namespace, inside a new user namespace where that is the
 * only way. NULL, or why it cannot be had; root always gets it or dies. */
const char *sandbox_enter(void);

/* Whether the namespace belongs to the first user namespace (SO_RCVBUFFORCE). */
bool sandbox_is_privileged(void);

/* Runs nft commands; prints nft's words and fails the test when they fail. */
void sandbox_nft(const char *commands);

/* Writes a sysctl by its path below /proc/sys. */
void sandbox_sysctl(const char *path, const char *value);

/* Sends bytes by UDP from one port of loopback to another, ipv6 or not. No process
 * needs to listen. */
void sandbox_udp(bool is_ipv6, uint16_t sport, uint16_t dport);

/* Waits until fd can be read; false after 2 seconds. */
bool sandbox_wait(int fd);

#endif
