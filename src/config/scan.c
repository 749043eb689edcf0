/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.c - reads the text of a configuration and reports errors that libconfuse ignores: a
 * section or a string that is never closed, a stray character, a NUL. It also removes the
 * comments, because libconfuse counts one line too many for each C comment, and it records
 * the lines on which sections open, because libconfuse does not.
 *
 * Must not know keys, values, or the struct that holds them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/scan.h"

/* Far more than 60 uplinks need. The limit keeps a wrong file name from filling the memory. */
#define TEXT_MAX (1 << 20)

/* The characters that end an unquoted word in libconfuse (lexer.l, 3.3). */
#define WORD_END " \t\r\n#\"'={}()+,*"

struct cursor {
	struct scan *scan;
	const char *path;
	FILE *errors;
	char *p;
	int line;
	size_t depth;	 /* number of open braces */
	int opened_line; /* line of the last opening brace */
	int err;
};

static void cursor_complain(struct cursor *cur, int line, const char *what)
{
	fprintf(cur->errors, "%s:%d: %s\n", cur->path, line, what);
	cur->err = -EINVAL;
}

static int read_all(int fd, char *text, size_t *length)
{
	ssize_t n;

	for (*length = 0; *length < TEXT_MAX; *length += (size_t)n) {
		n = read(fd, text + *length, TEXT_MAX - *length);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
		else if (n == 0)
			return 0;
	}
	return -EFBIG;
}

static int text_check_nul(const char *text, size_t length, const char *path, FILE *errors)
{
	int line = 1;

	if (strlen(text) == length)
		return 0;
	for (const char *p = text; *p; p++)
		line += *p == '\n';
	fprintf(errors,
		"%s:%d: not a text file: the line has a NUL byte; name a text file with -c\n", path,
		line);
	return -EINVAL;
}

/* Replace a byte order mark, which some editors write before UTF-8 text, with blanks. */
static void text_blank_mark(char *text)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (strncmp(text, mark, strlen(mark)) == 0)
		memset(text, ' ', strlen(mark));
}

int scan_read(struct scan *s, const char *path, FILE *errors)
{
	size_t length = 0;
	int fd, err;

	s->text = malloc(TEXT_MAX + 1);
	if (!s->text)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : read_all(fd, s->text, &length);
	if (fd >= 0)
		close(fd);
	if (err < 0) {
		fprintf(errors,
			"%s: the configuration cannot be read: %s; name a readable file with -c\n",
			path, strerror(-err));
		return err;
	}
	s->text[length] = '\0';
	text_blank_mark(s->text);
	return text_check_nul(s->text, length, path, errors);
}

void scan_free(struct scan *s)
{
	free(s->text);
	free(s->section_lines);
	*s = (struct scan){0};
}

static void blank(struct cursor *cur, size_t length)
{
	for (; length; length--, cur->p++) {
		if (*cur->p == '\n')
			cur->line++;
		else
			*cur->p = ' ';
	}
}

static void scan_line_comment(struct cursor *cur)
{
	blank(cur, strcspn(cur->p, "\n"));
}

static void scan_block_comment(struct cursor *cur)
{
	const char *end = strstr(cur->p + 2, "*/");

	if (!end)
		cursor_complain(cur, cur->line, "this comment is never closed; add */");
	blank(cur, end ? (size_t)(end - cur->p) + 2 : strlen(cur->p));
}

/* Skip ${NAME}, which libconfuse replaces by the value of an environment variable, inside and
 * outside of quotes. libconfuse searches for the closing brace even beyond a closing quote. */
static bool scan_variable(struct cursor *cur)
{
	cur->p += strcspn(cur->p, "}\n");
	if (*cur->p != '}') {
		cursor_complain(cur, cur->line, "'${' without '}' on this line; close it");
		return false;
	}
	cur->p++;
	return true;
}

/* Skip a quoted string. It must end on its line, because no value needs several lines. A missing
 * quote is then reported on the line where it is missing. */
static void scan_string(struct cursor *cur)
{
	char quote = *cur->p++;

	while (*cur->p && *cur->p != '\n' && *cur->p != quote) {
		if (quote == '"' && cur->p[0] == '$' && cur->p[1] == '{') {
			if (!scan_variable(cur))
				return;
			continue;
		}
		if (*cur->p == '\\' && cur->p[1] && cur->p[1] != '\n')
			cur->p++;
		cur->p++;
	}
	if (*cur->p == quote)
		cur->p++;
	else
		cursor_complain(cur, cur->line, "a quote on this line is never closed; close it");
}

/* Return whether the brace at the cursor opens a list: KEY = { ... }. */
static bool is_list(const struct cursor *cur)
{
	const char *p = cur->p;

	while (p > cur->scan->text && strchr(" \t\r\n", p[-1]))
		p--;
	return p > cur->scan->text && p[-1] == '=';
}

static void scan_open(struct cursor *cur)
{
	struct scan *s = cur->scan;
	bool is_section = !is_list(cur);
	int *lines;

	cur->p++;
	cur->depth++;
	cur->opened_line = cur->line;
	if (!is_section)
		return;
	lines = realloc(s->section_lines, (s->n_sections + 1) * sizeof(*lines));
	if (!lines) {
		cur->err = -ENOMEM;
		return;
	}
	s->section_lines = lines;
	s->section_lines[s->n_sections++] = cur->line;
}

static void scan_punctuation(struct cursor *cur)
{
	unsigned char ch = (unsigned char)*cur->p;
	char text[80];

	if (ch == '\n')
		cur->line++;
	else if (ch == '}' && cur->depth)
		cur->depth--;
	else if (ch == '*' || (ch == '+' && cur->p[1] != '=')) {
		snprintf(text, sizeof(text), "stray character '%c'; remove it or put it in quotes",
			 ch);
		cursor_complain(cur, cur->line, text);
	}
	cur->p++;
}

static void scan_word(struct cursor *cur)
{
	size_t length = strcspn(cur->p, WORD_END);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)cur->p[i] < ' ' || cur->p[i] == 0x7f) {
			cursor_complain(cur, cur->line, "control character; remove it");
			break;
		}
	cur->p += length;
}

static void scan_next(struct cursor *cur)
{
	char ch = cur->p[0], after = ch ? cur->p[1] : '\0';

	if (ch == '#' || (ch == '/' && after == '/'))
		scan_line_comment(cur);
	else if (ch == '/' && after == '*')
		scan_block_comment(cur);
	else if (ch == '"' || ch == '\'')
		scan_string(cur);
	else if (ch == '{')
		scan_open(cur);
	else if (ch == '$' && after == '{')
		scan_variable(cur);
	else if (strchr(WORD_END, ch))
		scan_punctuation(cur);
	else
		scan_word(cur);
}

int scan_check(struct scan *s, const char *path, FILE *errors)
{
	struct cursor cur = {.scan = s, .path = path, .errors = errors, .p = s->text, .line = 1};

	while (*cur.p)
		scan_next(&cur);
	/* Do not report an open brace after another error, which might have skipped the closing
	 * brace. */
	if (cur.depth && cur.err == 0)
		cursor_complain(&cur, cur.opened_line,
				"the brace that opens here is never closed; add }");
	return cur.err;
}
