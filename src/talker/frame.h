/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - one message between waymarkd and its talker: a type, a generation, a number
 * and texts. Pure: it knows neither the socket nor what the messages are for.
 */
#ifndef WAYMARK_SRC_TALKER_FRAME_H
#define WAYMARK_SRC_TALKER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BYTES_MAX 131072u

/* "d": from waymarkd, "w": from the worker, "s": from the spawner. */
enum frame_type {
	FRAME_READY = 1, /* s: it has given up its privileges; number: 0 or -errno */
	FRAME_STARTED,	 /* w: generation: its own from now on */
	FRAME_DIED,	 /* s: how the worker ended */
	FRAME_PING,	 /* d */
	FRAME_PONG,	 /* w */
	FRAME_PROGRAM,	 /* d: path, standard input, environment... */
	FRAME_CHECK,	 /* d: number; path, time limit (ms), environment... */
	FRAME_CHECKED,	 /* w: number; "good", "bad", or why it could not be run */
	FRAME_WEBHOOK,	 /* d: number: timeout (s); URL, headers...; no text: off */
	FRAME_POST,	 /* d: number: id; body */
	FRAME_SETTLED,	 /* w: number: id */
	FRAME_STATUS,	 /* w: see struct worker_status */
	FRAME_LISTEN,	 /* d: with the listening socket, or without: off */
	FRAME_ASK,	 /* w: for the page */
	FRAME_PAGE,	 /* d: number: PAGE_FIRST, PAGE_LAST; a part of the page */
	FRAME_LOG,	 /* w: number: level; text */
	FRAME_STOP,	 /* d: end running and waiting programs */
	FRAME_STOPPED,	 /* w: nothing follows */
	FRAME_TYPES
};

#define PAGE_FIRST	1
#define PAGE_LAST	2
#define PAGE_PART_BYTES 32768

struct frame {
	enum frame_type type;
	uint32_t generation;
	int64_t number;
	size_t n, at; /* bytes, and where the next text to read begins */
	bool is_overfull;
	char bytes[FRAME_BYTES_MAX];
};

/* Begin a frame to send. */
void frame_begin(struct frame *f, enum frame_type type, uint32_t generation, int64_t number);
void frame_put(struct frame *f, const char *text);
void frame_put_number(struct frame *f, int64_t number);
/* Set the bytes to send: 0, or -EMSGSIZE if not all texts had room. */
int frame_end(struct frame *f);

/* Decode n bytes that were received into f->bytes: 0 or -EBADMSG. */
int frame_open(struct frame *f, size_t n);
/* Return the next text, or NULL. Valid as long as the frame. */
const char *frame_next(struct frame *f);
/* Return the next text as a number; 0 if it is not a number. */
int64_t frame_next_number(struct frame *f);
/* Fill in the texts that are left, at most max - 1, and a NULL. */
void frame_rest(struct frame *f, char **list, size_t max);

#endif
