/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.h - which key was meant.
 */
#ifndef WAYMARK_SRC_CONFIG_SUGGEST_H
#define WAYMARK_SRC_CONFIG_SUGGEST_H

/* The key or section that may stand in this section ("": the top) and differs
 * from the name by at most two letters, or NULL. */
const char *suggest_key(const char *section, const char *name);

#endif
