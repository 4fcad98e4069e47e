/* docs/control-protocol.md is what the shunt command is written against: every key of its examples is in the real answer,
 * with the same kind of value, and the other way round. Runs from the root of the tree. */
#include "unit/control/rooms.h"

#include <stdio.h>

#define DOCUMENT "docs/control-protocol.md"

static struct house house;
static struct member_state states[4];
static struct plan plan;
static struct proxy_stats stats;
static struct control control;
static char text[65536];

static bool role(void *owner _unused_, size_t i, struct control_role *ret_role)
{
	*ret_role = (struct control_role){
		.name = "proxy", .state = "ready", .pid = 1, .generation = 1
	};
	return i == 0;
}

static int reload(void *owner _unused_, bool dry_run _unused_, struct diag *diag _unused_,
                  struct plan_changes *ret_changes _unused_)
{
	return 0;
}

static int admin(void *owner _unused_, uint32_t member, enum member_admin to, size_t *ret_ended)
{
	states[member].admin = to;
	*ret_ended = 0;
	return 0;
}

static const struct control_ops OPS = { .role = role, .reload = reload, .admin = admin };

static void give(uint32_t member, bool ok)
{
	struct ipc_verdict verdict = house_verdict(1, member, 0, ok);

	assert_int_equal(health_verdict(control.health, &verdict, 1764000000), 1);
}

static int setup(void **state _unused_)
{
	FILE *f = fopen(DOCUMENT, "re");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	house_build(&house, 1);
	plan.current = &house.generation;
	plan.states = states;
	control = (struct control){ .ops = &OPS,
		                    .plan = &plan,
		                    .config = "c",
		                    .run_dir = "r",
		                    .pin_dir = "p",
		                    .stats = &stats,
		                    .reload_at = 1,
		                    .reload_ok = true };
	assert_int_equal(health_new(&house.generation, NULL, &control.health), 0);
	assert_int_equal(counters_new(&house.generation, &stats, NULL, &control.counters), 0);
	give(0, true);
	give(0, false);
	return 0;
}

static int teardown(void **state _unused_)
{
	health_free(control.health);
	counters_free(control.counters);
	return 0;
}

/* The example answer in the section of a verb. */
static json_t *example(const char *verb)
{
	char title[64];
	char *at, *end;
	json_t *json;

	snprintf(title, sizeof(title), "\n## %s\n", verb);
	at = strstr(text, title);
	if (at == NULL)
		fail_msg("no section for '%s'", verb);
	at = strstr(at, "```json\n{\"ok\"");
	assert_non_null(at);
	at += strlen("```json\n");
	end = strstr(at, "```");
	assert_non_null(end);
	json = json_loadb(at, (size_t)(end - at), 0, NULL);
	if (json == NULL)
		fail_msg("the example of '%s' is not JSON", verb);
	return json;
}

static const char *kind(const json_t *value)
{
	static const char *const WORDS[] = { "object", "array",   "string", "number",
		                             "number", "boolean", "boolean" };

	return WORDS[json_typeof(value)];
}

/* null stands for any kind. */
static void compare(const char *verb, const char *where, const json_t *documented,
                    const json_t *real)
{
	const char *key;
	json_t *value;

	if (json_is_null(documented) || json_is_null(real))
		return;
	if (strcmp(kind(documented), kind(real)) != 0)
		fail_msg("%s: '%s' is a %s in the document, a %s in the answer", verb, where,
		         kind(documented), kind(real));
	if (json_is_array(documented) && json_array_size(documented) > 0 &&
	    json_array_size(real) > 0)
		compare(verb, where, json_array_get(documented, 0), json_array_get(real, 0));
	if (!json_is_object(documented))
		return;
	json_object_foreach((json_t *)documented, key, value)
	{
		if (json_object_get(real, key) == NULL)
			fail_msg("%s: '%s' is in the document, not in the answer", verb, key);
		compare(verb, key, value, json_object_get(real, key));
	}
	json_object_foreach((json_t *)real, key,
	                    value) if (json_object_get(documented, key) == NULL)
		fail_msg("%s: '%s' is in the answer, not in the document", verb, key);
}

static void examples_are_true(void **state _unused_)
{
	static const struct {
		const char *verb;
		const char *request;
	} VERBS[] = {
#define CONTROL_VERB(name, arguments, help) { #name, "{\"verb\": \"" #name "\"}" },
#include "control/verbs.def"
#undef CONTROL_VERB
	};

	for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++) {
		const char *request =
			strcmp(VERBS[i].verb, "backend") == 0
				? "{\"verb\":\"backend\",\"name\":\"ex01\",\"admin\":\"drain\"}"
				: VERBS[i].request;
		json_t *documented = example(VERBS[i].verb);
		char *line = control_answer(&control, request, strlen(request));
		json_t *real = json_loads(line, 0, NULL);

		compare(VERBS[i].verb, "answer", documented, real);
		free(line);
		json_decref(documented);
		json_decref(real);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(examples_are_true, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
