/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * features.h - prints the version of waymark and of its libraries.
 */
#ifndef WAYMARK_SRC_CLI_FEATURES_H
#define WAYMARK_SRC_CLI_FEATURES_H

#include <stdio.h>

/* Print "waymark 0.1.0" and a line of features. */
void features_print(FILE *out);

#endif
