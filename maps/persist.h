/* shunt_persist: who stays with whom (source-IP persistence). One table for both planes. Losing an entry only balances
 * a client anew, so the table is an LRU. Read and refreshed by new flows only.
 * Writers: bpf/lib/persist.h; datapath/dp_sweep.c removes what has expired.  Readers: shunt show persistence.
 * Look: bpftool map dump name shunt_persist */
#ifndef SHUNT_MAPS_PERSIST_H
#define SHUNT_MAPS_PERSIST_H

#include "maps/common.h"

struct persist_key {
	__u32 group;      /* vip.persist_group */
	__be32 client[4]; /* masked to the vip's prefix length */
};
MAP_LAYOUT(struct persist_key, 20);

struct map_persist {
	__u32 backend; /* id of the server */
	__u32 member; /* the member last chosen: a shortcut, valid if its backend and pool still fit */
	__u32 expires; /* tick */
	__u32 since;   /* tick of the first use */
};
MAP_LAYOUT(struct map_persist, 16);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536); /* limits.persistence */
	__type(key, struct persist_key);
	__type(value, struct map_persist);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_persist SEC(".maps");
#endif

#endif
