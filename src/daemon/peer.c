/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peer.c - finds the names of the user and the process at the other end of the control socket. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control.h"
#include "daemon/peer.h"

#define USERS_FILE "/etc/passwd"

/* Copy a name up to its first blank. In log lines and records each name is one word. */
static void word_copy(char to[PEER_NAME], const char *from)
{
	size_t n = strcspn(from, " \t\n");

	snprintf(to, PEER_NAME, "%.*s", (int)(n < PEER_NAME - 1 ? n : PEER_NAME - 1), from);
}

/* Write the user's name, or the uid if it has no name. Read only /etc/passwd: getpwuid() can query
 * a server, which would block the loop. */
static void user_name(uid_t uid, char name[PEER_NAME])
{
	FILE *users = fopen(USERS_FILE, "re");
	const struct passwd *entry = users ? fgetpwent(users) : NULL;

	while (entry && entry->pw_uid != uid)
		entry = fgetpwent(users);
	if (entry)
		word_copy(name, entry->pw_name);
	else
		snprintf(name, PEER_NAME, "%u", uid);
	if (users)
		fclose(users);
}

void peer_describe(const struct control_peer *peer, char user[PEER_NAME], char process[PEER_NAME])
{
	char path[64], name[PEER_NAME] = "";
	FILE *file;

	process[0] = '\0';
	user_name(peer->uid, user);
	snprintf(path, sizeof(path), "/proc/%d/comm", peer->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, sizeof(name), file))
		word_copy(process, name);
	fclose(file);
}
