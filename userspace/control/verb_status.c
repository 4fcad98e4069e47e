/* status: is everything there, since when, and what happened last. */
#include <unistd.h>
#include "base/clock.h"
#include "control/control.h"

static json_t *number_or_null(bool known, json_int_t value)
{
	return known ? json_integer(value) : json_null();
}

static json_t *roles_json(struct control *control)
{
	json_t *roles = json_array();
	struct control_role role;

	for (size_t i = 0; control->ops->role(control->owner, i, &role); i++)
		json_array_append_new(
			roles,
			json_pack(
				"{s:s, s:s, s:o, s:o, s:i, s:o, s:s?, s:o}", "name", role.name,
				"state", role.state, "pid", number_or_null(role.pid != 0, role.pid),
				"uptime_s",
				number_or_null(role.pid != 0, (json_int_t)(role.uptime_ms / 1000)),
				"restarts", (int)role.restarts, "generation",
				number_or_null(role.generation != 0, (json_int_t)role.generation),
				"last_exit", role.last_exit, "next_start_ms",
				number_or_null(role.pid == 0, role.next_start_ms)));
	return roles;
}

static json_t *vips_json(const struct generation *generation)
{
	int kernel = 0;

	for (size_t i = 0; i < generation->n_vips; i++)
		kernel += generation->vips[i].plane == PLANE_KERNEL;
	return json_pack("{s:i, s:i}", "kernel", kernel, "proxy", (int)generation->n_vips - kernel);
}

static json_t *pools_json(const struct control *control)
{
	const struct generation *generation = control->plan->current;
	int counts[POOL_DOWN + 1] = { 0 };

	for (size_t i = 0; i < generation->n_pools; i++)
		counts[control_pool_health(control, &generation->pools[i])]++;
	return json_pack("{s:i, s:i, s:i}", "up", counts[POOL_UP], "partial", counts[POOL_PARTIAL],
	                 "down", counts[POOL_DOWN]);
}

static json_t *reload_json(const struct control *control)
{
	if (control->reload_at == 0)
		return json_null();
	return json_pack("{s:I, s:b, s:s}", "at", (json_int_t)control->reload_at, "ok",
	                 control->reload_ok, "text",
	                 control->reload_text != NULL ? control->reload_text : "");
}

void verb_status(struct control *control, const json_t *request, struct answer *answer)
{
	const struct generation *generation = control->plan->current;

	if (!control_arguments(request, NULL, 0, answer))
		return;
	answer->result = json_pack(
		"{s:s, s:i, s:I, s:I, s:s, s:s, s:s, s:I, s:b, s:i, s:i, s:o, s:o, s:o, s:o}",
		"version", SHUNT_VERSION, "pid", (int)getpid(), "started",
		(json_int_t)control->started, "uptime_s",
		(json_int_t)((clock_ms() - control->started_ms) / 1000), "config", control->config,
		"run_dir", control->run_dir, "pin_dir", control->pin_dir, "generation",
		(json_int_t)generation->number, "adopted", datapath_adopted(control->plan->dp),
		"workers", (int)control->workers, "nexthops_unresolved",
		(int)control->nexthops_unresolved, "last_reload", reload_json(control), "vips",
		vips_json(generation), "pools", pools_json(control), "roles", roles_json(control));
}
