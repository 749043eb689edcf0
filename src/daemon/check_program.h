/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_program.h - runs the check programs of uplinks (health { exec }), one per uplink at a time.
 * The talker starts them, and kills those that still run at the end of the interval.
 */
#ifndef WAYMARK_SRC_DAEMON_CHECK_PROGRAM_H
#define WAYMARK_SRC_DAEMON_CHECK_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

struct check_programs;
struct daemon;

struct check_programs *check_programs_new(void); /* NULL with errno */
void check_programs_free(struct check_programs *c);
void check_programs_forget(struct check_programs *c, uint8_t slot);

/* Hand due checks to the talker. results has the current check state of each uplink, by slot: 1
 * good, 0 bad, -1 none. Each program gets the state of its uplink. now_ms: steady clock. */
void check_programs_tick(struct check_programs *c, struct daemon *d, const int8_t *results,
			 int64_t now_ms);

/* Take the result of the check with this number from the talker. If it is "good" or "bad", call fn.
 * Else the program could not be run: log the first such result of an uplink. */
typedef void check_program_fn(struct daemon *d, uint8_t slot, bool is_good);
void check_programs_take(struct check_programs *c, struct daemon *d, int64_t number,
			 const char *result, check_program_fn *fn);

#endif
