/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * features.c - what --version prints.
 */
#include "cli/features.h"

#include <curl/curlver.h>
#include <jansson.h>
#include <sqlite3.h>

void features_print(FILE *out)
{
	fprintf(out, "waymark %s\n", PACKAGE_VERSION);
	fprintf(out,
		"schema 3, sqlite %s, jansson %s, curl %s"
#if defined(__SANITIZE_ADDRESS__)
		", sanitizers"
#endif
		"\n",
		sqlite3_libversion(), JANSSON_VERSION, LIBCURL_VERSION);
}
