/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_reader.h - reads the configuration in a child: libconfuse ends, kills or hangs its
 * process when memory is short.
 */
#ifndef WAYMARK_SRC_DAEMON_CONFIG_READER_H
#define WAYMARK_SRC_DAEMON_CONFIG_READER_H

#include <stdio.h>

struct config;

/* Allocate the memory shared with the child, so call before the launcher starts. Return 0 or
 * -errno. */
int config_reader_open(void);
/* As config_load: *c is a copy of what the child has read and checked. 0, or -errno with the
 * lines in errors. */
int config_reader_read(struct config **c, const char *path, FILE *errors);

#endif
