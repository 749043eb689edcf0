/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mnl_attrs.h - iterates over the attributes of a netlink message, within the message's length.
 * libmnl's own functions for a whole message round the length up, and read up to three bytes past
 * the end of the message.
 */
#ifndef WAYMARK_SRC_KERNEL_MNL_ATTRS_H
#define WAYMARK_SRC_KERNEL_MNL_ATTRS_H

#include <libmnl/libmnl.h>
#include <stddef.h>

/* Return how many bytes of attributes follow a header of this size; 0 if none do. */
static inline size_t mnl_attrs_size(const struct nlmsghdr *nlh, size_t header)
{
	size_t size = mnl_nlmsg_get_payload_len(nlh);

	return size > MNL_ALIGN(header) ? size - MNL_ALIGN(header) : 0;
}

#define mnl_attrs_for_each(attr, nlh, header)                                                      \
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset((nlh), (header)),                   \
				  mnl_attrs_size((nlh), (header)))

/* Parse attributes as mnl_attr_parse() does. If the header is truncated, return MNL_CB_ERROR. */
static inline int mnl_attrs_parse(const struct nlmsghdr *nlh, size_t header, mnl_attr_cb_t fn,
				  void *data)
{
	if (mnl_nlmsg_get_payload_len(nlh) < header)
		return MNL_CB_ERROR;
	return mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(nlh, header),
				      mnl_attrs_size(nlh, header), fn, data);
}

#endif
