/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_text.h - any text as JSON: the kernel allows any bytes in an interface's name,
 * JSON only UTF-8, and jansson makes nothing of an object that holds other bytes.
 */
#ifndef WAYMARK_STATUS_JSON_TEXT_H
#define WAYMARK_STATUS_JSON_TEXT_H

struct json_t;

/* A string of jansson's; of a text that is not UTF-8 with '?' for each byte beyond ASCII.
 * The caller's; NULL: no memory. */
struct json_t *json_text_new(const char *text);

#endif
