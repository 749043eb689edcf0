/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * httpd.h - one page by HTTP, from the loop: no thread, no waiting for a client.
 */
#ifndef WAYMARK_SRC_DAEMON_HTTPD_H
#define WAYMARK_SRC_DAEMON_HTTPD_H

#include <stdint.h>

#include "waymark/base/addr.h"

/* Clients at once, and how long one may take. */
#define HTTPD_CLIENTS_MAX 16
#define HTTPD_TIMEOUT_S	  10

/* The page, malloc'd; NULL: there is none now. */
typedef char *httpd_page_fn(void *data);

struct httpd_page {
	const char *path; /* whatever else is asked for is not found */
	const char *type; /* Content-Type */
	httpd_page_fn *fn;
	void *data;
};

struct httpd;

/* Listens; the address need not be there yet. page's strings must outlive it. NULL
 * with errno. */
struct httpd *httpd_open(const struct addr *addr, uint16_t port, const struct httpd_page *page);
void httpd_close(struct httpd *h);

/* Readable when there is something to do; to be processed each second, too. */
int httpd_fd(const struct httpd *h);
void httpd_process(struct httpd *h);

#endif
