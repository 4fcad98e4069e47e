/* Counters: one copy a CPU. */
#ifndef SHUNT_BPF_STATS_H
#define SHUNT_BPF_STATS_H

#include "bpf/lib/packet.h"
#include "maps/stats.h"

static __always_inline void stat_in(void *map, __u32 id, __u32 bytes)
{
	struct map_stat *stat = bpf_map_lookup_elem(map, &id);

	if (stat == NULL)
		return;
	stat->packets_in++;
	stat->bytes_in += bytes;
}

static __always_inline void stat_out(void *map, __u32 id, __u32 bytes)
{
	struct map_stat *stat = bpf_map_lookup_elem(map, &id);

	if (stat == NULL)
		return;
	stat->packets_out++;
	stat->bytes_out += bytes;
}

static __always_inline void stat_flow(void *map, __u32 id)
{
	struct map_stat *stat = bpf_map_lookup_elem(map, &id);

	if (stat != NULL)
		stat->flows++;
}

static __always_inline void stat_drop(const struct packet *p, __u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&shunt_drops, &reason);
	struct map_stat *stat;
	__u32 id;

	if (count != NULL)
		(*count)++;
	if (p->vip != 0) {
		id = p->vip - 1;
		stat = bpf_map_lookup_elem(&shunt_vipstat, &id);
		if (stat != NULL)
			stat->drops++;
	}
	if (p->member != 0) {
		id = p->member - 1;
		stat = bpf_map_lookup_elem(&shunt_membstat, &id);
		if (stat != NULL)
			stat->drops++;
	}
}

#endif
