/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cells.c - collects all cells of a row, and then renders the cells of the selected columns, in the
 * order of the selection.
 */
#include "cli/cells.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/base/suggest.h"

#define CELLS_MAX 32

enum cell_kind { CELL_TEXT, CELL_NUMBER, CELL_SHARE, CELL_UNKNOWN };

struct cell {
	enum cell_kind kind;
	enum paint paint;
	int64_t number;
	double share;
	char *text;
};

struct cells {
	const struct column *columns;
	size_t n, at;
	struct cell row[CELLS_MAX];
	struct column chosen[CELLS_MAX];
	size_t places[CELLS_MAX], n_chosen; /* places[i]: index in columns[] of chosen[i] */
	struct render *render;
};

static bool column_take(struct cells *c, const char *name, struct suggestion *s)
{
	suggest_start(s, name);
	for (size_t i = 0; i < c->n; i++) {
		if (!strcmp(c->columns[i].name, name) && c->n_chosen < CELLS_MAX) {
			c->chosen[c->n_chosen] = c->columns[i];
			c->chosen[c->n_chosen].is_detail = false;
			c->chosen[c->n_chosen].rank = 0;
			c->places[c->n_chosen++] = i;
			return true;
		}
		suggest_consider(s, c->columns[i].name);
	}
	return false;
}

static enum exit_status columns_choose(struct cells *c, const struct invocation *in)
{
	char copy[512], *rest = copy, *name;
	struct suggestion s;

	for (size_t i = 0; !in->values[OPTION_COLUMNS] && i < c->n; i++) {
		c->chosen[i] = c->columns[i];
		c->places[i] = i;
		c->n_chosen = c->n;
	}
	if (!in->values[OPTION_COLUMNS])
		return CLI_DONE;
	snprintf(copy, sizeof(copy), "%s", in->values[OPTION_COLUMNS]);
	while ((name = strsep(&rest, ",")))
		if (!column_take(c, name, &s)) {
			cli_error("%s: unknown column \"%s\" (%s%s)", in->command->name, name,
				  s.best ? "did you mean " : "-o wide shows all columns",
				  s.best ? s.best : "");
			return CLI_USAGE;
		}
	return CLI_DONE;
}

enum exit_status cells_open(struct cells **out, const struct invocation *in,
			    const struct column *columns, size_t n)
{
	struct render_style style = in->style;
	struct cells *c = n <= CELLS_MAX ? calloc(1, sizeof(*c)) : NULL;
	enum exit_status status = CLI_FAILED;

	if (c) {
		c->columns = columns;
		c->n = n;
		status = columns_choose(c, in);
	}
	style.is_last_first = false;
	style.keeps_empty = in->values[OPTION_COLUMNS] != NULL;
	if (status == CLI_DONE)
		c->render = render_new(&style, c->chosen, c->n_chosen, stdout);
	if (status == CLI_DONE && c->render) {
		*out = c;
		return CLI_DONE;
	}
	if (status != CLI_USAGE)
		cli_error("cannot print the rows: out of memory");
	free(c);
	return status == CLI_USAGE ? CLI_USAGE : CLI_FAILED;
}

static void cell_render(struct render *r, const struct cell *cell)
{
	if (cell->kind == CELL_NUMBER)
		render_number(r, cell->number, cell->paint);
	else if (cell->kind == CELL_SHARE)
		render_share(r, cell->share, cell->paint);
	else if (cell->kind == CELL_TEXT)
		render_text(r, cell->text, cell->paint);
	else
		render_unknown(r);
}

static void cell_add(struct cells *c, const struct cell *cell)
{
	c->row[c->at] = *cell;
	if (++c->at < c->n)
		return;
	for (size_t i = 0; i < c->n_chosen; i++)
		cell_render(c->render, &c->row[c->places[i]]);
	for (size_t i = 0; i < c->n; i++)
		free(c->row[i].text);
	c->at = 0;
}

void cells_text(struct cells *c, const char *text, enum paint paint)
{
	struct cell cell = {.kind = CELL_UNKNOWN, .paint = paint};

	cell.text = text ? strdup(text) : NULL;
	if (cell.text)
		cell.kind = CELL_TEXT;
	cell_add(c, &cell);
}

void cells_number(struct cells *c, int64_t number, enum paint paint)
{
	cell_add(c, &(struct cell){.kind = CELL_NUMBER, .number = number, .paint = paint});
}

void cells_share(struct cells *c, double share)
{
	cell_add(c, &(struct cell){.kind = CELL_SHARE,
				   .share = share,
				   .paint = share < 1 ? PAINT_DOUBT : PAINT_NONE});
}

enum exit_status cells_end(struct cells *c)
{
	enum exit_status status = cli_render_end(c->render);

	free(c);
	return status;
}
