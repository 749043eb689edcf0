/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_reader.h - reads the configuration in a child process, because libconfuse exits, crashes
 * or hangs when memory is short.
 */
#ifndef WAYMARK_SRC_DAEMON_CONFIG_READER_H
#define WAYMARK_SRC_DAEMON_CONFIG_READER_H

#include <stdio.h>

struct config;

/* Allocate the memory that waymarkd and the child share. Call this before the launcher of
 * transactions starts, because the launcher's children read the configuration and must inherit the
 * memory. Return 0 or -errno. */
int config_reader_open(void);
/* Load a configuration as config_load() does, but in the child. Set *c to a copy of what the child
 * has read and checked. Print messages to `errors`. Return 0 or -errno. */
int config_reader_read(struct config **c, const char *path, FILE *errors);

#endif
