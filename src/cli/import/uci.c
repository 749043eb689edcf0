/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uci.c - reads UCI files line by line: "config TYPE NAME", "option KEY VALUE",
 * "list KEY VALUE", with words in single, double or no quotes.
 *
 * Must not know what the sections mean.
 */
#define _GNU_SOURCE /* reallocarray, getline */
#include "cli/import/uci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 3

/* Return the next word of *rest, without its quotes, and move *rest past the word. Return NULL if
 * no word follows. Also return NULL if a quote is not closed: then the word stays in *rest, so that
 * line_take() refuses the line. */
static char *word_take(char **rest)
{
	char *in = *rest + strspn(*rest, " \t"), *word = in, *out = in, quote = '\0';

	if (!*in || *in == '#')
		return NULL;
	for (; *in && (quote || !strchr(" \t", *in)); in++) {
		if (quote && *in == quote)
			quote = '\0';
		else if (!quote && (*in == '\'' || *in == '"'))
			quote = *in;
		else if (*in == '\\' && in[1] && quote != '\'')
			*out++ = *++in;
		else
			*out++ = *in;
	}
	*rest = quote ? word : *in ? in + 1 : in;
	if (quote)
		return NULL;
	*out = '\0';
	return word;
}

static bool is_blank(const char *rest)
{
	rest += strspn(rest, " \t");
	return !*rest || *rest == '#';
}

static int section_add(struct uci *u, const char *type, const char *name)
{
	struct uci_section *grown = reallocarray(u->sections, u->n_sections + 1, sizeof(*grown));
	struct uci_section *s;

	if (!grown)
		return -ENOMEM;
	u->sections = grown;
	s = &grown[u->n_sections++];
	*s = (struct uci_section){.type = strdup(type), .name = strdup(name ? name : "")};
	return s->type && s->name ? 0 : -ENOMEM;
}

static int option_add(struct uci *u, const char *key, const char *value)
{
	struct uci_section *s = u->n_sections ? &u->sections[u->n_sections - 1] : NULL;
	struct uci_option *grown, *o;

	if (!s || !value)
		return -EINVAL;
	grown = reallocarray(s->options, s->n_options + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->options = grown;
	o = &grown[s->n_options++];
	*o = (struct uci_option){strdup(key), strdup(value)};
	return o->key && o->value ? 0 : -ENOMEM;
}

static int line_take(struct uci *u, char *line)
{
	char *words[WORDS_MAX] = {NULL};
	size_t n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	while (n < WORDS_MAX && (words[n] = word_take(&line)))
		n++;
	if (!n || !is_blank(line))
		return is_blank(line) ? 0 : -EINVAL;
	if (!strcmp(words[0], "package"))
		return 0;
	if (!words[1])
		return -EINVAL;
	if (!strcmp(words[0], "config"))
		return section_add(u, words[1], words[2]);
	if (!strcmp(words[0], "option") || !strcmp(words[0], "list"))
		return option_add(u, words[1], words[2]);
	return -EINVAL;
}

int uci_read(struct uci *u, FILE *file, unsigned *line)
{
	char *text = NULL;
	size_t size = 0;
	int err = 0;

	*u = (struct uci){0};
	*line = 0;
	while (!err && getline(&text, &size, file) >= 0) {
		++*line;
		err = line_take(u, text);
	}
	if (!err && ferror(file))
		err = -EIO;
	free(text);
	if (err)
		uci_clear(u);
	return err;
}

void uci_clear(struct uci *u)
{
	for (size_t i = 0; i < u->n_sections; i++) {
		struct uci_section *s = &u->sections[i];

		for (size_t k = 0; k < s->n_options; k++) {
			free(s->options[k].key);
			free(s->options[k].value);
		}
		free(s->options);
		free(s->type);
		free(s->name);
	}
	free(u->sections);
	*u = (struct uci){0};
}

const char *uci_get(const struct uci_section *s, const char *key, const char *otherwise)
{
	for (size_t i = s ? s->n_options : 0; i-- > 0;)
		if (!strcmp(s->options[i].key, key))
			return s->options[i].value;
	return otherwise;
}

bool uci_is_true(const struct uci_section *s, const char *key, bool otherwise)
{
	const char *value = uci_get(s, key, NULL);

	if (!value)
		return otherwise;
	return !strcmp(value, "1") || !strcmp(value, "yes") || !strcmp(value, "on") ||
	       !strcmp(value, "true") || !strcmp(value, "enabled");
}

bool uci_has(const struct uci_section *s, const char *key, const char *value)
{
	for (size_t i = 0; i < s->n_options; i++)
		if (!strcmp(s->options[i].key, key) && !strcmp(s->options[i].value, value))
			return true;
	return false;
}

const struct uci_section *uci_find(const struct uci *u, const char *type, const char *name)
{
	for (size_t i = 0; i < u->n_sections; i++)
		if (!strcmp(u->sections[i].type, type) &&
		    (!name || !strcmp(u->sections[i].name, name)))
			return &u->sections[i];
	return NULL;
}
