/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pager.h - shows a long listing on a terminal in a pager: $WAYMARK_PAGER, else $PAGER, else less.
 * If the variable that is used is "cat" or empty, no pager runs.
 */
#ifndef WAYMARK_SRC_CLI_PAGER_H
#define WAYMARK_SRC_CLI_PAGER_H

#include <stdbool.h>
#include <stdio.h>

struct pager;

/* Start the pager. If is_at_end is set, the pager first shows the end of the listing. Return NULL
 * if the caller must print without a pager. */
struct pager *pager_start(bool is_at_end);
FILE *pager_stream(struct pager *p);
/* Close the stream, wait until the pager exits, and free p. */
void pager_end(struct pager *p);

#endif
