/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.c - name the user and the process at the other end of the control socket.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control.h"
#include "daemon/peer.h"

/* A blank would end the word in a file. */
static void word_copy(char to[PEER_NAME], const char *from)
{
	size_t n = strcspn(from, " \t\n");

	snprintf(to, PEER_NAME, "%.*s", (int)(n < PEER_NAME - 1 ? n : PEER_NAME - 1), from);
}

void peer_describe(const struct control_peer *peer, char user[PEER_NAME], char process[PEER_NAME])
{
	struct passwd *pw = getpwuid(peer->uid);
	char path[64], name[PEER_NAME] = "";
	FILE *file;

	process[0] = '\0';
	if (pw)
		word_copy(user, pw->pw_name);
	else
		snprintf(user, PEER_NAME, "%u", peer->uid);
	snprintf(path, sizeof(path), "/proc/%d/comm", peer->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, sizeof(name), file))
		word_copy(process, name);
	fclose(file);
}
