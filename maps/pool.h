/* shunt_pools: how a pool chooses. shunt_rings: whom it may choose, one inner array a pool, swapped as a whole so
 * that a change is atomic: entry 0 holds the number of members that follow, entries 1… hold member ids. Only members
 * that are up and enabled are in a ring, as often as their weight says.
 * Writer: datapath/dp_pool.c (rings built by balance/).  Readers: bpf/lib/select.h on every new flow; shunt show pools.
 * Look: bpftool map dump name shunt_pools */
#ifndef SHUNT_MAPS_POOL_H
#define SHUNT_MAPS_POOL_H

#include "maps/common.h"

#define POOL_F_USED 1u

enum pool_method {
	POOL_ROUND_ROBIN = 0,
};

struct map_pool {
	__u32 flags;   /* POOL_F_… */
	__u32 method;  /* enum pool_method */
	__u32 next;    /* round robin: the kernel plane adds one for each choice */
	__u32 members; /* configured members, up or not */
	char name[SHUNT_NAME_MAX];
};
MAP_LAYOUT(struct map_pool, 48);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POOLS_MAX);
	__type(key, __u32);
	__type(value, struct map_pool);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_pools SEC(".maps");

struct ring_template {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP); /* inner arrays may differ in length */
	__uint(max_entries, RING_MAX);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POOLS_MAX);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct ring_template);
} shunt_rings SEC(".maps");
#endif

#endif
