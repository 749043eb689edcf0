/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - one message between waymarkd and its talker: a type, the generation of the worker
 * (which grows with each restart), a number and texts. Pure: must not know the socket, nor what the
 * messages are for.
 */
#ifndef WAYMARK_SRC_TALKER_FRAME_H
#define WAYMARK_SRC_TALKER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BYTES_MAX 131072u

/* The types of frames. Each comment names the sender (d: waymarkd, w: the worker, s: the spawner),
 * what the frame means, and what its number and texts hold. */
enum frame_type {
	FRAME_READY = 1, /* s: the spawner has tried to drop its privileges; number: 0 if it
			  * succeeded, or -errno */
	FRAME_STARTED,	 /* w: a new worker runs */
	FRAME_DIED,	 /* s: the worker died; text: how */
	FRAME_PING,	 /* d: ask whether the worker answers */
	FRAME_PONG,	 /* w: answer to a ping; number: the ping's number */
	FRAME_PROGRAM,	 /* d: run an alert program; texts: path, standard input, environment... */
	/* d: run a check; number: id of the check; texts: path, time limit (ms), environment... */
	FRAME_CHECK,
	FRAME_CHECKED, /* w: a check's result; number: id of the check; text: "good", "bad", or why
		        * the check did not run */
	/* d: set up the webhook; number: timeout (s); texts: URL, headers...; no text: turn it
	 * off */
	FRAME_WEBHOOK,
	FRAME_POST,    /* d: deliver to the webhook; number: id of the alert; text: body */
	FRAME_SETTLED, /* w: the webhook delivered or dropped an alert; number: id of the alert */
	FRAME_STATUS,  /* w: see struct worker_status */
	/* d: serve scrapes at the listening socket that comes with the frame; no socket: stop
	 * serving */
	FRAME_LISTEN,
	FRAME_ASK,     /* w: ask for the page (the metrics) */
	FRAME_PAGE,    /* d: part of the page; number: flags PAGE_FIRST and PAGE_LAST; no text:
		        * there is no page */
	FRAME_LOG,     /* w: a line for the log */
	FRAME_STOP,    /* d: end running and waiting programs, then stop */
	FRAME_STOPPED, /* w: the last frame of the worker */
	FRAME_TYPES
};

#define PAGE_FIRST	1
#define PAGE_LAST	2
#define PAGE_PART_BYTES 32768

struct frame {
	enum frame_type type;
	uint32_t generation;
	int64_t number;
	size_t n, at; /* n: size in bytes; at: offset of the next text to read */
	bool is_overfull;
	char bytes[FRAME_BYTES_MAX];
};

/* Begin a frame to send. */
void frame_begin(struct frame *f, enum frame_type type, uint32_t generation, int64_t number);
void frame_put(struct frame *f, const char *text);
void frame_put_number(struct frame *f, int64_t number);
/* Finish the frame. Return 0, or -EMSGSIZE if a text did not fit. */
int frame_end(struct frame *f);

/* Decode a received frame, which is in the first n bytes of f->bytes. Return 0 or -EBADMSG. */
int frame_open(struct frame *f, size_t n);
/* Return the next text, or NULL if there is none. The text is part of the frame. */
const char *frame_next(struct frame *f);
/* Return the next text as a number; 0 if it is not a number. */
int64_t frame_next_number(struct frame *f);
/* Store the remaining texts in 'list', followed by NULL. 'list' has room for 'max' pointers;
 * further texts are ignored. */
void frame_rest(struct frame *f, char **list, size_t max);

#endif
