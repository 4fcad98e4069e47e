/* shunt_settings: what holds for the whole data plane. One entry.
 * Writer: datapath/dp_settings.c.  Readers: every step that needs a time-out or the SNAT addresses; shunt show.
 * Look: bpftool map dump name shunt_settings */
#ifndef SHUNT_MAPS_SETTINGS_H
#define SHUNT_MAPS_SETTINGS_H

#include "maps/common.h"

/* Time in the kernel plane is counted in ticks: jiffies >> tick_shift, near one second each, because reading
 * jiffies costs 0.4 ns and a clock 14 to 30 ns. tick_shift is a load-time constant of the programs. */
struct map_settings {
	__u64 generation; /* of the configuration last applied completely */
	__u32 tick_shift;
	__u32 tick_ms;         /* length of a tick, rounded */
	__u32 timeout_syn;     /* ticks: a flow that never completed its handshake */
	__u32 timeout_active;  /* ticks: an established flow without a packet */
	__u32 timeout_closing; /* ticks: after FIN both ways or RST */
	__u32 snats_v4;        /* how many of snat4/snat6 are valid */
	__u32 snats_v6;
	__u32 ranges_max;  /* capacity of shunt_ranges */
	__u32 range_ports; /* slots of one range: a power of two */
	__u32 range_base;  /* first port of a range, host order */
	__be32 snat4[SNATS_MAX];
	__be32 snat6[SNATS_MAX][4];
};
MAP_LAYOUT(struct map_settings, 368);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct map_settings);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_settings SEC(".maps");
#endif

#endif
