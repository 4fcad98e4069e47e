/* vips: what we answer for, in both planes, and whether somebody stands behind it. */
#include <string.h>
#include "control/control.h"

static json_t *pool_line(const struct control *control, const struct pool *pool)
{
	return json_pack("{s:s, s:s, s:i, s:i}", "name", pool->name, "health",
	                 pool_health_word(control_pool_health(control, pool)), "usable",
	                 (int)control_usable(control, pool), "members", (int)pool->n_members);
}

/* Up when all pools are, down when all are down. */
static enum pool_health vip_health(const struct control *control, const struct pool **pools,
                                   size_t n)
{
	size_t up = 0, down = 0;

	for (size_t i = 0; i < n; i++) {
		enum pool_health health = control_pool_health(control, pools[i]);

		up += health == POOL_UP;
		down += health == POOL_DOWN;
	}
	if (up == n)
		return POOL_UP;
	return down == n ? POOL_DOWN : POOL_PARTIAL;
}

static json_t *vip_json(const struct control *control, const struct vip *vip,
                        const struct pool **pools)
{
	size_t n = control_vip_pools(control->plan->current, vip, pools);
	json_t *ports = json_array(), *lines = json_array();
	char address[ADDR_TEXT_MAX];

	for (size_t i = 0; i < vip->n_ports; i++)
		json_array_append_new(ports, json_integer(vip->ports[i]));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(lines, pool_line(control, pools[i]));
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:o, s:i, s:o}", "name", vip->name,
	                 "plane", vip->plane == PLANE_KERNEL ? "kernel" : "proxy", "address",
	                 addr_format(&vip->addr, address), "ports", ports, "health",
	                 pool_health_word(vip_health(control, pools, n)), "tls", vip->tls.enabled,
	                 "redirect_http",
	                 vip->redirect_http != 0 ? json_integer(vip->redirect_http) : json_null(),
	                 "routes", (int)vip->n_routes, "pools", lines);
}

void verb_vips(struct control *control, const json_t *request, struct answer *answer)
{
	const struct generation *generation = control->plan->current;
	_cleanup_(freep) const struct pool **pools = NULL;
	json_t *vips;

	if (!control_arguments(request, NULL, 0, answer))
		return;
	pools = calloc(generation->n_pools + 1, sizeof(*pools));
	if (pools == NULL)
		return control_fail(answer, CONTROL_FAILED, "out of memory");
	vips = json_array();
	for (size_t i = 0; i < generation->n_vips; i++)
		json_array_append_new(vips, vip_json(control, &generation->vips[i], pools));
	answer->result =
		json_pack("{s:I, s:o}", "generation", (json_int_t)generation->number, "vips", vips);
}
