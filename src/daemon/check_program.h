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
/* Forget the checks of a slot that now belongs to another uplink or to none. */
void check_programs_forget(struct check_programs *c, uint8_t slot);

/* Hand the checks that are due to the talker. results[slot] is the check state of an uplink
 * (decide_check_state()): 1 good, 0 bad, -1 not known. The uplink's program gets it in the variable
 * CHECK. now_ms is a time of the steady clock. */
void check_programs_tick(struct check_programs *c, struct daemon *d, const int8_t *results,
			 int64_t now_ms);

/* Take the result of the check with this number from the talker. If the result is "good" or "bad",
 * call fn. Any other result says why the program could not be run; log only the first such result
 * of each uplink. */
typedef void check_program_fn(struct daemon *d, uint8_t slot, bool is_good);
void check_programs_take(struct check_programs *c, struct daemon *d, int64_t number,
			 const char *result, check_program_fn *fn);

#endif
