/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address_cut.c - cuts addresses to a prefix, that is, sets their low bits to 0. It cuts single
 * addresses and addresses in messages. Knows no table.
 */
#include "store/write/address_cut.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "store/db.h"
#include "waymark/base/addr.h"

#define ADDRESS_CHARACTERS "0123456789abcdefABCDEF.:"

static void cut_addr(const struct address_cut *cut, struct addr *a)
{
	struct prefix p = {.addr = *a,
			   .len = a->family == AF_INET ? cut->ipv4_bits : cut->ipv6_bits};

	prefix_truncate(&p);
	*a = p.addr;
}

static void address_function(sqlite3_context *context, int n, sqlite3_value **values)
{
	const struct address_cut *cut = sqlite3_user_data(context);
	char text[ADDR_STRLEN];
	struct addr a;

	(void)n;
	if (sqlite3_value_type(values[0]) == SQLITE_INTEGER) {
		int64_t mask = cut->ipv4_bits ? -(INT64_C(1) << (32 - cut->ipv4_bits)) : 0;

		sqlite3_result_int64(context, sqlite3_value_int64(values[0]) & mask);
	} else if (sqlite3_value_type(values[0]) == SQLITE_TEXT &&
		   addr_parse(&a, (const char *)sqlite3_value_text(values[0])) == 0) {
		cut_addr(cut, &a);
		sqlite3_result_text(context, addr_format(&a, text), -1, SQLITE_TRANSIENT);
	} else {
		sqlite3_result_value(context, values[0]);
	}
}

/* Return the length of the address with which a word begins; 0: it begins with none. The address is
 * the whole word, or the part before a port or a full stop. */
static size_t address_find(const char *word, size_t length, struct addr *a)
{
	char copy[ADDR_STRLEN];

	while (length) {
		if (length < sizeof(copy)) {
			memcpy(copy, word, length);
			copy[length] = '\0';
			if (addr_parse(a, copy) == 0)
				return length;
		}
		do
			length--;
		while (length && word[length] != ':' && word[length] != '.');
	}
	return 0;
}

static void word_append(sqlite3_str *out, const struct address_cut *cut, const char *word,
			size_t length)
{
	char text[ADDR_STRLEN];
	struct addr a;
	size_t used = address_find(word, length, &a);

	if (used) {
		cut_addr(cut, &a);
		sqlite3_str_appendall(out, addr_format(&a, text));
	}
	sqlite3_str_append(out, word + used, (int)(length - used));
}

static void text_function(sqlite3_context *context, int n, sqlite3_value **values)
{
	const struct address_cut *cut = sqlite3_user_data(context);
	const char *at = (const char *)sqlite3_value_text(values[0]);
	sqlite3_str *out;
	char *text;

	(void)n;
	if (!at)
		return;
	out = sqlite3_str_new(sqlite3_context_db_handle(context));
	while (*at) {
		size_t word = strspn(at, ADDRESS_CHARACTERS);
		size_t rest = strcspn(at + word, ADDRESS_CHARACTERS);

		word_append(out, cut, at, word);
		sqlite3_str_append(out, at + word, (int)rest);
		at += word + rest;
	}
	text = sqlite3_str_finish(out);
	if (text)
		sqlite3_result_text(context, text, -1, sqlite3_free);
	else
		sqlite3_result_error_nomem(context);
}

int address_cut_register(sqlite3 *db, struct address_cut *cut)
{
	int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
	int rc = sqlite3_create_function(db, "address_cut", 1, flags, cut, address_function, NULL,
					 NULL);

	return rc == SQLITE_OK ? sqlite3_create_function(db, "text_cut", 1, flags, cut,
							 text_function, NULL, NULL)
			       : rc;
}
