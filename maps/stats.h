/* Counters, one copy a CPU, added up by the reader.
 * shunt_drops by enum drop_reason; shunt_vipstat by vip id; shunt_membstat by member id.
 * Writer: bpf/lib/stats.h.  Readers: shunt stats, shunt show.
 * Look: bpftool map dump name shunt_drops */
#ifndef SHUNT_MAPS_STATS_H
#define SHUNT_MAPS_STATS_H

#include "maps/common.h"

enum drop_reason {
	DROP_NONE = 0,
#define DROP(name, word, text) DROP_##name,
#include "maps/drops.def"
#undef DROP
	DROP_REASONS,
};

struct map_stat {
	__u64 flows;       /* opened */
	__u64 packets_in;  /* from clients */
	__u64 packets_out; /* to clients */
	__u64 bytes_in;
	__u64 bytes_out;
	__u64 drops; /* of any reason, where the vip or member is known */
};
MAP_LAYOUT(struct map_stat, 48);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DROP_REASONS);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VIPS_MAX);
	__type(key, __u32);
	__type(value, struct map_stat);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_vipstat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEMBERS_MAX);
	__type(key, __u32);
	__type(value, struct map_stat);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_membstat SEC(".maps");
#endif

#endif
