/* One line of JSON in, one line of JSON out. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "control/control.h"

static const struct {
	const char *name;
	void (*run)(struct control *control, const json_t *request, struct answer *answer);
} VERBS[CONTROL_VERBS] = {
#define CONTROL_VERB(name, arguments, text) [CONTROL_VERB_##name] = { #name, verb_##name },
#include "control/verbs.def"
#undef CONTROL_VERB
};

void control_fail(struct answer *answer, enum control_code code, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	free(answer->error);
	answer->error = text;
	answer->code = code;
}

static bool right_type(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static const struct argument *find_argument(const struct argument *arguments, size_t n,
                                            const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(arguments[i].key, key) == 0)
			return &arguments[i];
	return NULL;
}

bool control_arguments(const json_t *request, const struct argument *arguments, size_t n,
                       struct answer *answer)
{
	void *it;

	/* The iterator of jansson takes a non-const object but changes nothing. */
	for (it = json_object_iter((json_t *)request); it != NULL;
	     it = json_object_iter_next((json_t *)request, it)) {
		const char *key = json_object_iter_key(it);
		const struct argument *argument = find_argument(arguments, n, key);

		if (strcmp(key, "verb") == 0)
			continue;
		if (argument == NULL) {
			control_fail(answer, CONTROL_FAILED, "unknown argument '%s'", key);
			return false;
		}
		if (!right_type(json_object_iter_value(it), argument->type)) {
			control_fail(answer, CONTROL_FAILED, "argument '%s' must be a %s", key,
			             argument->type == JSON_TRUE ? "boolean" : "string");
			return false;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (arguments[i].required && json_object_get(request, arguments[i].key) == NULL) {
			control_fail(answer, CONTROL_FAILED, "argument '%s' is missing",
			             arguments[i].key);
			return false;
		}
	return true;
}

static void run_verb(struct control *control, const json_t *request, struct answer *answer)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));

	if (verb == NULL) {
		control_fail(answer, CONTROL_FAILED, "a request is an object with a \"verb\"");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++)
		if (strcmp(VERBS[i].name, verb) == 0) {
			VERBS[i].run(control, request, answer);
			return;
		}
	control_fail(answer, CONTROL_FAILED, "unknown verb '%s'", verb);
}

/* Texts may hold what a person wrote in another encoding; an answer is always JSON. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text != NULL ? text : "out of memory");

	return json != NULL ? json : json_string("the reason is not valid UTF-8; see the log");
}

static json_t *answer_json(struct answer *answer)
{
	json_t *result = answer->result;

	if (answer->code == CONTROL_OK && result != NULL) {
		answer->result = NULL;
		return json_pack("{s:b, s:o}", "ok", 1, "result", result);
	}
	if (answer->code == CONTROL_OK)
		answer->code = CONTROL_FAILED;
	return json_pack("{s:b, s:o, s:i}", "ok", 0, "error", text_json(answer->error), "code",
	                 (int)answer->code);
}

char *control_answer(struct control *control, const char *request, size_t len)
{
	_cleanup_(json_decrefp) json_t *asked = NULL;
	_cleanup_(json_decrefp) json_t *said = NULL;
	struct answer answer = { 0 };
	json_error_t error;
	char *text, *line;

	asked = json_loadb(request, len, JSON_REJECT_DUPLICATES, &error);
	if (asked == NULL)
		control_fail(&answer, CONTROL_FAILED, "the request is not JSON: %s", error.text);
	else
		run_verb(control, asked, &answer);
	said = answer_json(&answer);
	json_decref(answer.result);
	free(answer.error);
	text = said != NULL ? json_dumps(said, JSON_COMPACT) : NULL;
	if (text == NULL)
		return NULL;
	len = strlen(text);
	line = realloc(text, len + 2);
	if (line == NULL) {
		free(text);
		return NULL;
	}
	line[len] = '\n';
	line[len + 1] = '\0';
	return line;
}

json_t *control_time(int64_t at)
{
	return at != 0 ? json_integer(at) : json_null();
}

size_t control_usable(const struct control *control, const struct pool *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->n_members; i++)
		n += member_usable(&control->plan->states[pool->members[i].index]);
	return n;
}

enum pool_health control_pool_health(const struct control *control, const struct pool *pool)
{
	return balance_pool_health(pool, control->plan->states);
}

size_t control_vip_pools(const struct generation *generation, const struct vip *vip,
                         const struct pool **pools)
{
	size_t n = 0;

	if (vip->pool != NULL)
		pools[n++] = vip->pool;
	for (size_t i = 0; i < vip->n_routes; i++) {
		const struct pool *pool = vip->routes[i].pool;
		size_t at = 0;

		while (at < n && pools[at] != pool)
			at++;
		if (pool != NULL && at == n && n < generation->n_pools)
			pools[n++] = pool;
	}
	return n;
}
