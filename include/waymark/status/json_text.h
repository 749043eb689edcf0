/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_text.h - makes any text a JSON string. The kernel allows arbitrary bytes in an interface
 * name, but JSON allows only UTF-8, and jansson refuses an object that contains other bytes.
 */
#ifndef WAYMARK_STATUS_JSON_TEXT_H
#define WAYMARK_STATUS_JSON_TEXT_H

struct json_t;

/* Return text as a JSON string that the caller owns, or NULL if memory is short. If text is not
 * valid UTF-8, replace each byte beyond ASCII with '?'. */
struct json_t *json_text_new(const char *text);

#endif
