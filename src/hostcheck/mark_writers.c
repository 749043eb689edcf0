/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mark_writers.c - finds the statements in nft's JSON that set marks, and the bits that each
 * statement can change. A bit cannot change if the new value copies it from the same mark.
 *
 * Must not know who uses the bits.
 */
#include "waymark/hostcheck/mark_writers.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "waymark/plan/ruleset.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

/* Return whether `expression` is {`type`: {"key": "mark"}}; `type` is "meta" or "ct". */
static bool is_mark(const json_t *expression, const char *type)
{
	const json_t *inner = json_object_get(expression, type);

	return inner && !strcmp(text_of(inner, "key"), "mark");
}

/* Return the bits that the expression copies unchanged from the packet mark (`type` "meta") or from
 * the ct mark ("ct"). */
static uint32_t bits_kept(const json_t *expression, const char *type)
{
	static const char *const operators[] = {"&", "|", "^"};
	size_t i;

	if (is_mark(expression, type))
		return UINT32_MAX;
	for (i = 0; i < 3; i++) {
		const json_t *operands = json_object_get(expression, operators[i]);
		const json_t *right = json_array_get(operands, 1);
		uint32_t kept, constant = (uint32_t)json_integer_value(right);

		if (!operands)
			continue;
		if (!json_is_integer(right))
			return 0;
		kept = bits_kept(json_array_get(operands, 0), type);
		return kept & (i == 0 ? constant : ~constant);
	}
	return 0;
}

/* Set *constant to the new value of the changed bits: the right operand of an OR or, without an OR,
 * the whole expression. Return false if this value is not a constant. */
static bool value_known(const json_t *value, uint32_t *constant)
{
	const json_t *operands = json_object_get(value, "|");
	const json_t *right = operands ? json_array_get(operands, 1) : value;

	*constant = (uint32_t)json_integer_value(right);
	return json_is_integer(right);
}

static bool mangle_take(struct mark_writer *w, const json_t *mangle)
{
	const json_t *key = json_object_get(mangle, "key");
	const json_t *value = json_object_get(mangle, "value");
	const char *type = is_mark(key, "ct") ? "ct" : "meta";

	if (!is_mark(key, type))
		return false;
	w->is_ct = *type == 'c';
	w->bits = ~bits_kept(value, type);
	w->has_value = value_known(value, &w->value);
	return true;
}

/* Note an iptables target in *w. Return whether the target can set a mark. nft does not show the
 * arguments of such a target, so assume that it changes all bits. */
static bool xt_take(struct mark_writer *w, const json_t *xt)
{
	w->is_xt = true;
	w->target = text_of(xt, "name");
	w->bits = UINT32_MAX;
	return !strcmp(w->target, "MARK") || !strcmp(w->target, "CONNMARK") || *w->target == '?';
}

static void rule_take(const json_t *rule, mark_writer_fn *fn, void *data)
{
	const struct mark_writer place = {
		.family = text_of(rule, "family"),
		.table = text_of(rule, "table"),
		.chain = text_of(rule, "chain"),
		.handle = json_integer_value(json_object_get(rule, "handle")),
		.target = "",
	};
	const json_t *statement, *inner;
	size_t i;

	if (!strcmp(place.family, RULESET_FAMILY) && !strcmp(place.table, RULESET_TABLE))
		return;
	json_array_foreach(json_object_get(rule, "expr"), i, statement)
	{
		struct mark_writer w = place;

		if ((inner = json_object_get(statement, "mangle")) && mangle_take(&w, inner))
			fn(data, &w);
		else if ((inner = json_object_get(statement, "xt")) && xt_take(&w, inner))
			fn(data, &w);
	}
}

int mark_writers_each(const char *json, mark_writer_fn *fn, void *data)
{
	json_t *root = json_loads(json, 0, NULL);
	const json_t *item, *rule;
	size_t i;

	if (!root)
		return -EINVAL;
	json_array_foreach(json_object_get(root, "nftables"), i,
			   item) if ((rule = json_object_get(item, "rule")))
		rule_take(rule, fn, data);
	json_decref(root);
	return 0;
}
