/* Weak stand-ins for the rooms that verbs ask: a test of the control room needs no BPF and no YAML. The real ones win
 * when they are linked for another reason. */
#ifndef SHUNT_TEST_ROOMS_H
#define SHUNT_TEST_ROOMS_H

#include "unit/control/house.h"

#define STAND_IN __attribute__((weak))

STAND_IN const struct pool *model_pool(const struct generation *generation, const char *name)
{
	for (size_t i = 0; i < generation->n_pools; i++)
		if (strcmp(generation->pools[i].name, name) == 0)
			return &generation->pools[i];
	return NULL;
}

STAND_IN const struct vip *model_vip(const struct generation *generation, const char *name)
{
	for (size_t i = 0; i < generation->n_vips; i++)
		if (strcmp(generation->vips[i].name, name) == 0)
			return &generation->vips[i];
	return NULL;
}

STAND_IN const struct backend *model_backend(const struct generation *generation, const char *name)
{
	for (size_t i = 0; i < generation->n_backends; i++)
		if (strcmp(generation->backends[i].name, name) == 0)
			return &generation->backends[i];
	return NULL;
}

STAND_IN const char *monitor_type_word(enum monitor_type type)
{
	return type == MONITOR_smtp ? "smtp" : "tcp";
}

STAND_IN enum pool_health balance_pool_health(const struct pool *pool,
                                              const struct member_state *states)
{
	size_t up = 0;

	for (size_t i = 0; i < pool->n_members; i++)
		up += member_usable(&states[pool->members[i].index]);
	if (up == 0)
		return POOL_DOWN;
	return up == pool->n_members ? POOL_UP : POOL_PARTIAL;
}

STAND_IN const char *pool_health_word(enum pool_health health)
{
	return health == POOL_UP ? "up" : health == POOL_PARTIAL ? "partial" : "down";
}

STAND_IN void proxy_stats_vip(const struct proxy_stats *stats, uint32_t vip,
                              struct vip_counters *ret_sum)
{
	memset(ret_sum, 0, sizeof(*ret_sum));
	for (size_t i = 0; i < STATS_WORKERS_MAX; i++)
		ret_sum->requests += stats->workers[i].vips[vip].requests;
}

STAND_IN void proxy_stats_member(const struct proxy_stats *stats, uint32_t member,
                                 struct member_counters *ret_sum)
{
	memset(ret_sum, 0, sizeof(*ret_sum));
	for (size_t i = 0; i < STATS_WORKERS_MAX; i++)
		ret_sum->requests += stats->workers[i].members[member].requests;
}

STAND_IN bool datapath_adopted(const struct datapath *dp _unused_)
{
	return false;
}

STAND_IN int datapath_attachment(const struct datapath *dp _unused_, const char *ifname _unused_,
                                 enum iface_mode *ret_mode, const char **ret_why)
{
	*ret_mode = IFACE_XDP_NATIVE;
	*ret_why = "native";
	return 0;
}

STAND_IN char *plan_changes_text(uint64_t number _unused_,
                                 const struct plan_changes *changes _unused_)
{
	return strdup("generation 4: +1 vip");
}

#endif
