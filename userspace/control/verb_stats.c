/* stats: the proxy's counters by the names of the generation in force. */
#include "control/control.h"

static json_t *proxy_json(const struct control *control)
{
	json_int_t open_connections = 0, idle_backends = 0, accept_failures = 0;

	for (unsigned i = 0; i < control->workers && i < STATS_WORKERS_MAX; i++) {
		const struct worker_counters *worker = &control->stats->workers[i];

		open_connections +=
			(json_int_t)__atomic_load_n(&worker->open_connections, __ATOMIC_RELAXED);
		idle_backends +=
			(json_int_t)__atomic_load_n(&worker->idle_backends, __ATOMIC_RELAXED);
		accept_failures +=
			(json_int_t)__atomic_load_n(&worker->accept_failures, __ATOMIC_RELAXED);
	}
	return json_pack("{s:i, s:I, s:I, s:I}", "workers", (int)control->workers,
	                 "open_connections", open_connections, "idle_backends", idle_backends,
	                 "accept_failures", accept_failures);
}

static json_t *vip_json(const struct control *control, const struct vip *vip)
{
	struct vip_counters sum;

	counters_vip(control->counters, vip->index, &sum);
	return json_pack("{s:s, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I}, s:I, s:I, s:I}", "name",
	                 vip->name, "connections", (json_int_t)sum.connections, "requests",
	                 (json_int_t)sum.requests, "unanswered", (json_int_t)sum.status[0],
	                 "status", "1xx", (json_int_t)sum.status[1], "2xx",
	                 (json_int_t)sum.status[2], "3xx", (json_int_t)sum.status[3], "4xx",
	                 (json_int_t)sum.status[4], "5xx", (json_int_t)sum.status[5], "bytes_in",
	                 (json_int_t)sum.bytes_in, "bytes_out", (json_int_t)sum.bytes_out,
	                 "handshakes_failed", (json_int_t)sum.handshakes_failed);
}

static json_t *member_json(const struct control *control, const struct member *member)
{
	struct member_counters sum;

	counters_member(control->counters, member->index, &sum);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "pool",
	                 member->pool->name, "backend", member->backend->name, "requests",
	                 (json_int_t)sum.requests, "connects", (json_int_t)sum.connects,
	                 "connect_failures", (json_int_t)sum.connect_failures, "failures",
	                 (json_int_t)sum.failures, "retries", (json_int_t)sum.retries, "bytes_in",
	                 (json_int_t)sum.bytes_in, "bytes_out", (json_int_t)sum.bytes_out);
}

static bool used_by_proxy(const struct generation *generation, const struct pool *pool)
{
	for (size_t i = 0; i < generation->n_vips; i++)
		for (size_t j = 0; j < generation->vips[i].n_routes; j++)
			if (generation->vips[i].routes[j].pool == pool)
				return true;
	return false;
}

void verb_stats(struct control *control, const json_t *request, struct answer *answer)
{
	const struct generation *generation = control->plan->current;
	json_t *vips, *members;

	if (!control_arguments(request, NULL, 0, answer))
		return;
	vips = json_array();
	members = json_array();
	for (size_t i = 0; i < generation->n_vips; i++)
		if (generation->vips[i].plane == PLANE_PROXY)
			json_array_append_new(vips, vip_json(control, &generation->vips[i]));
	for (size_t i = 0; i < generation->n_pools; i++) {
		const struct pool *pool = &generation->pools[i];

		for (size_t j = 0; used_by_proxy(generation, pool) && j < pool->n_members; j++)
			json_array_append_new(members, member_json(control, &pool->members[j]));
	}
	answer->result =
		json_pack("{s:I, s:o, s:o, s:o}", "generation", (json_int_t)generation->number,
	                  "proxy", proxy_json(control), "vips", vips, "members", members);
}
