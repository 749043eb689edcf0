/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox.h - a separate network namespace for a test, with loopback up.
 *
 * The process enters it for good; it vanishes with the process. Do not use the other functions
 * before sandbox_enter succeeded, or the machine's own network is changed.
 */
#ifndef WAYMARK_TESTS_UNIT_SANDBOX_H
#define WAYMARK_TESTS_UNIT_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/* Enter a new network namespace, in a new user namespace if necessary. Return NULL, or the reason
 * why that is impossible; as root a failure fails the test. */
const char *sandbox_enter(void);

/* Whether the namespace belongs to the first user namespace (SO_RCVBUFFORCE). */
bool sandbox_is_privileged(void);

/* Run nft commands; on failure print nft's message and fail the test. */
void sandbox_nft(const char *commands);

/* Write a sysctl by its path below /proc/sys. */
void sandbox_sysctl(const char *path, const char *value);

/* Send bytes by UDP from one port of loopback to another, over IPv6 or IPv4. No process needs to
 * listen. */
void sandbox_udp(bool is_ipv6, uint16_t sport, uint16_t dport);

/* Wait until fd is readable; return false after 2 seconds. */
bool sandbox_wait(int fd);

#endif
