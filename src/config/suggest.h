/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.h - finds the key that is most similar to a misspelt one.
 */
#ifndef WAYMARK_SRC_CONFIG_SUGGEST_H
#define WAYMARK_SRC_CONFIG_SUGGEST_H

/* Return the key or section that is most similar to name, differs from it by at most two letters,
 * and is allowed in `section` ("": the top level); NULL: none. */
const char *suggest_key(const char *section, const char *name);

#endif
