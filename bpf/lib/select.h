/* Step 6, new flows only: which member gets it? */
#ifndef SHUNT_BPF_SELECT_H
#define SHUNT_BPF_SELECT_H

#include "bpf/lib/persist.h"
#include "maps/pool.h"

static __always_inline int select_round_robin(struct map_pool *pool, void *ring, __u32 *ret_member)
{
	const __u32 *count, *member;
	__u32 zero = 0, at;

	count = bpf_map_lookup_elem(ring, &zero);
	if (count == NULL || *count == 0)
		return -DROP_NO_BACKEND;
	at = 1 + __sync_fetch_and_add(&pool->next, 1) % *count;
	member = bpf_map_lookup_elem(ring, &at);
	if (member == NULL)
		return -DROP_INTERNAL;
	*ret_member = *member;
	return NEXT;
}

static __always_inline int select_member(struct packet *p, const struct map_vip *vip, __u32 now,
                                         __u32 *ret_member)
{
	__u32 pool_id = vip->pool;
	struct map_pool *pool;
	void *ring;

	if (vip->persist_ticks != 0 && persist_find(p, vip, now, ret_member))
		return NEXT;
	pool = bpf_map_lookup_elem(&shunt_pools, &pool_id);
	ring = bpf_map_lookup_elem(&shunt_rings, &pool_id);
	if (pool == NULL || ring == NULL)
		return -DROP_NO_BACKEND;
	TRY(select_round_robin(pool, ring, ret_member));
	if (vip->persist_ticks != 0)
		persist_store(p, vip, now, *ret_member);
	return NEXT;
}

#endif
