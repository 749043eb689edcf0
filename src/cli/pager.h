/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pager.h - a long listing on a terminal goes through a pager, as git's does:
 * $WAYMARK_PAGER, else $PAGER, else less; "cat" or nothing: none.
 */
#ifndef WAYMARK_SRC_CLI_PAGER_H
#define WAYMARK_SRC_CLI_PAGER_H

#include <stdbool.h>
#include <stdio.h>

struct pager;

/* Start it; it shows the end first if is_at_end. NULL: there is none, print directly. */
struct pager *pager_start(bool is_at_end);
FILE *pager_stream(struct pager *p);
/* End the stream, wait until the reader has left, and free p. */
void pager_end(struct pager *p);

#endif
