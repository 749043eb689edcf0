/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * features.c - prints the output of --version.
 */
#include "cli/features.h"

#include <jansson.h>
#include <sqlite3.h>

#ifdef HAVE_CURL
#include <curl/curlver.h>
#define HTTP_FEATURE "curl " LIBCURL_VERSION
#else
#define HTTP_FEATURE "no curl (no webhook, no target clickhouse)"
#endif

#include "waymark/kernel/privilege.h"

void features_print(FILE *out)
{
	fprintf(out, "waymark %s\n", PACKAGE_VERSION);
	fprintf(out,
		"schema 3, sqlite %s, jansson %s, %s, "
#ifdef HAVE_SANITIZERS
		"sanitizers, "
#endif
		,
		sqlite3_libversion(), JANSSON_VERSION, HTTP_FEATURE);
	privilege_features_print(out);
	fputc('\n', out);
}
