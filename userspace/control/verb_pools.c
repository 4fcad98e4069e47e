/* pools: who can answer, and who may. */
#include "control/control.h"

static json_t *member_json(const struct control *control, const struct member *member)
{
	const struct member_state *state = &control->plan->states[member->index];
	char address[ADDR_TEXT_MAX];

	return json_pack("{s:s, s:s, s:o, s:i, s:s, s:s, s:o}", "backend", member->backend->name,
	                 "address", addr_format(&member->backend->addr, address), "port",
	                 member->port != 0 ? json_integer(member->port) : json_null(), "weight",
	                 (int)member->weight, "health", member_health_word(state->health), "admin",
	                 member_admin_word(state->admin), "since",
	                 control_time(health_since(control->health, member->index)));
}

static json_t *persistence_json(const struct persistence *persistence)
{
	if (persistence->type == PERSIST_NONE)
		return json_null();
	return json_pack("{s:s, s:i}", "type", "source_ip", "timeout_s",
	                 (int)persistence->timeout_s);
}

/* Names of the vips that lead to this pool. */
static json_t *vips_json(const struct generation *generation, const struct pool *pool,
                         const struct pool **pools)
{
	json_t *vips = json_array();

	for (size_t i = 0; i < generation->n_vips; i++) {
		const struct vip *vip = &generation->vips[i];
		size_t n = control_vip_pools(generation, vip, pools);

		for (size_t j = 0; j < n; j++)
			if (pools[j] == pool)
				json_array_append_new(vips, json_string(vip->name));
	}
	return vips;
}

static const char *method_word(enum pool_balance method)
{
	switch (method) {
	case BALANCE_ROUND_ROBIN:
		return "round_robin";
	}
	return "unknown";
}

static json_t *pool_json(const struct control *control, const struct pool *pool,
                         const struct pool **pools)
{
	json_t *monitors = json_array(), *members = json_array();

	for (size_t i = 0; i < pool->n_monitors; i++)
		json_array_append_new(monitors, json_string(pool->monitors[i]->name));
	for (size_t i = 0; i < pool->n_members; i++)
		json_array_append_new(members, member_json(control, &pool->members[i]));
	return json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "name", pool->name, "health",
	                 pool_health_word(control_pool_health(control, pool)), "usable",
	                 (int)control_usable(control, pool), "method", method_word(pool->method),
	                 "persistence", persistence_json(&pool->persistence), "monitors", monitors,
	                 "vips", vips_json(control->plan->current, pool, pools), "members",
	                 members);
}

void verb_pools(struct control *control, const json_t *request, struct answer *answer)
{
	const struct generation *generation = control->plan->current;
	_cleanup_(freep) const struct pool **pools = NULL;
	json_t *list;

	if (!control_arguments(request, NULL, 0, answer))
		return;
	pools = calloc(generation->n_pools + 1, sizeof(*pools));
	if (pools == NULL)
		return control_fail(answer, CONTROL_FAILED, "out of memory");
	list = json_array();
	for (size_t i = 0; i < generation->n_pools; i++)
		json_array_append_new(list, pool_json(control, &generation->pools[i], pools));
	answer->result = json_pack("{s:I, s:o}", "generation", (json_int_t)generation->number,
	                           "pools", list);
}
