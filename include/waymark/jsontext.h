/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsontext.h - any text as JSON: the kernel allows any bytes in an interface's name,
 * JSON only UTF-8, and jansson makes nothing of an object that holds other bytes.
 */
#ifndef WAYMARK_JSONTEXT_H
#define WAYMARK_JSONTEXT_H

struct json_t;

/* A string of jansson's; of a text that is not UTF-8 with '?' for each byte beyond ASCII.
 * The caller's; NULL: no memory. */
struct json_t *jsontext_new(const char *text);

#endif
