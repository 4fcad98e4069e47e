/* backend: enable, drain or disable a backend in all its pools or in one. */
#include <string.h>
#include "control/control.h"

static bool parse_admin(const char *word, enum member_admin *ret_admin)
{
	for (uint8_t i = MEMBER_ENABLED; i <= MEMBER_DISABLED; i++)
		if (strcmp(member_admin_word(i), word) == 0) {
			*ret_admin = (enum member_admin)i;
			return true;
		}
	return false;
}

static bool wanted(const struct member *member, const char *backend, const char *pool)
{
	return strcmp(member->backend->name, backend) == 0 &&
	       (pool == NULL || strcmp(member->pool->name, pool) == 0);
}

static json_t *member_json(const struct control *control, const struct member *member, uint8_t was,
                           size_t ended)
{
	const struct member_state *state = &control->plan->states[member->index];

	return json_pack("{s:s, s:s, s:s, s:s, s:I}", "pool", member->pool->name, "health",
	                 member_health_word(state->health), "was", member_admin_word(was), "admin",
	                 member_admin_word(state->admin), "flows_ended", (json_int_t)ended);
}

static void change(struct control *control, const char *name, const char *pool,
                   enum member_admin admin, struct answer *answer)
{
	const struct generation *generation = control->plan->current;
	json_t *members = json_array();

	for (size_t i = 0; i < generation->n_members; i++) {
		const struct member *member = &generation->members[i];
		uint8_t was = control->plan->states[i].admin;
		size_t ended = 0;
		int r;

		if (!wanted(member, name, pool))
			continue;
		r = control->ops->admin(control->owner, (uint32_t)i, admin, &ended);
		if (r < 0) {
			json_decref(members);
			control_fail(answer, CONTROL_FAILED, "cannot change '%s' in pool '%s': %s",
			             name, member->pool->name, strerror(-r));
			return;
		}
		json_array_append_new(members, member_json(control, member, was, ended));
	}
	if (json_array_size(members) == 0) {
		json_decref(members);
		control_fail(answer, CONTROL_NOT_FOUND, "backend '%s' is in no pool", name);
		return;
	}
	answer->result = json_pack("{s:s, s:s, s:o}", "backend", name, "admin",
	                           member_admin_word(admin), "members", members);
}

static bool in_pool(const struct pool *pool, const char *name)
{
	for (size_t i = 0; i < pool->n_members; i++)
		if (strcmp(pool->members[i].backend->name, name) == 0)
			return true;
	return false;
}

void verb_backend(struct control *control, const json_t *request, struct answer *answer)
{
	static const struct argument ARGUMENTS[] = {
		{ "name", JSON_STRING, true },
		{ "pool", JSON_STRING, false },
		{ "admin", JSON_STRING, true },
	};
	const struct generation *generation = control->plan->current;
	const char *name, *pool_name, *word;
	enum member_admin admin;

	if (!control_arguments(request, ARGUMENTS, ARRAY_SIZE(ARGUMENTS), answer))
		return;
	name = json_string_value(json_object_get(request, "name"));
	pool_name = json_string_value(json_object_get(request, "pool"));
	word = json_string_value(json_object_get(request, "admin"));
	if (!parse_admin(word, &admin))
		return control_fail(answer, CONTROL_BAD_CONFIG,
		                    "admin is enabled, drain or disabled, not '%s'", word);
	if (model_backend(generation, name) == NULL)
		return control_fail(answer, CONTROL_NOT_FOUND, "there is no backend '%s'", name);
	if (pool_name != NULL && model_pool(generation, pool_name) == NULL)
		return control_fail(answer, CONTROL_NOT_FOUND, "there is no pool '%s'", pool_name);
	if (pool_name != NULL && !in_pool(model_pool(generation, pool_name), name))
		return control_fail(answer, CONTROL_NOT_FOUND, "backend '%s' is not in pool '%s'",
		                    name, pool_name);
	change(control, name, pool_name, admin, answer);
}
