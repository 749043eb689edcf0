/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * httpd.c - one page by HTTP: the one place that knows libmicrohttpd, which serves
 * from an epoll descriptor that stands in the daemon's loop.
 *
 * It must not know what the page says.
 */
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/httpd.h"

#define CLIENT_MEMORY_BYTES 16384
#define BACKLOG		    16

struct httpd {
	struct MHD_Daemon *mhd;
	struct httpd_page page;
	int fd;
};

/* --- the socket ------------------------------------------------------------------- */

static socklen_t address_fill(struct sockaddr_storage *to, const struct addr *addr, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = addr->family;
	if (addr->family == AF_INET) {
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->bytes, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->bytes, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

/* A start before the interface has its address must not fail for that. */
static int socket_prepare(int fd, int family)
{
	int on = 1, err = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		err = -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		err = -errno;
	if (setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		       family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND, &on, sizeof(on)))
		err = -errno;
	return err;
}

static int socket_listen(const struct addr *addr, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t length = address_fill(&address, addr, port);
	int fd = socket(addr->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : socket_prepare(fd, addr->family);

	if (!err && (bind(fd, (const struct sockaddr *)&address, length) || listen(fd, BACKLOG)))
		err = -errno;
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

/* --- requests --------------------------------------------------------------------- */

static enum MHD_Result text_answer(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = r ? MHD_queue_response(c, status, r) : MHD_NO;

	if (r)
		MHD_destroy_response(r);
	return result;
}

static enum MHD_Result page_answer(struct MHD_Connection *c, const struct httpd_page *page)
{
	char *text = page->fn(page->data);
	struct MHD_Response *r;
	enum MHD_Result result;

	if (!text)
		return text_answer(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no answer now\n");
	r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
	result = MHD_queue_response(c, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	const struct httpd *h = data;
	bool is_read =
		!strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	if (is_read && !strcmp(url, h->page.path))
		return page_answer(c, &h->page);
	return text_answer(c, MHD_HTTP_NOT_FOUND, "not found\n");
}

/* --- the server ---------------------------------------------------------------------- */

struct httpd *httpd_open(const struct addr *addr, uint16_t port, const struct httpd_page *page)
{
	struct httpd *h = calloc(1, sizeof(*h));
	int fd = h ? socket_listen(addr, port) : -ENOMEM;

	if (fd < 0) {
		free(h);
		errno = -fd;
		return NULL;
	}
	h->page = *page;
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL, port, NULL, NULL, on_request, h,
				  MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				  (unsigned)HTTPD_CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				  (unsigned)HTTPD_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)CLIENT_MEMORY_BYTES, MHD_OPTION_END);
	if (h->mhd) {
		h->fd = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
		return h;
	}
	close(fd);
	free(h);
	errno = ENOMEM;
	return NULL;
}

void httpd_close(struct httpd *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->mhd);
	free(h);
}

int httpd_fd(const struct httpd *h)
{
	return h->fd;
}

void httpd_process(struct httpd *h)
{
	MHD_run(h->mhd);
}
