/* shunt_ifaces: the interfaces we are attached to, by ifindex; the source address of frames sent back to clients.
 * Writer: datapath/dp_iface.c.  Readers: bpf/lib/forward.h for replies; shunt show interfaces.
 * Look: bpftool map dump name shunt_ifaces */
#ifndef SHUNT_MAPS_IFACE_H
#define SHUNT_MAPS_IFACE_H

#include "maps/common.h"

enum iface_mode {
	IFACE_NONE = 0,
	IFACE_XDP_NATIVE = 1,
	IFACE_TC = 2,
	IFACE_XDP_GENERIC = 3,
};

struct map_iface {
	__u8 mac[6];
	__u8 mode; /* enum iface_mode */
	__u8 pad;
	char name[16];
};
MAP_LAYOUT(struct map_iface, 24);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IFACES_MAX);
	__type(key, __u32);
	__type(value, struct map_iface);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_ifaces SEC(".maps");
#endif

#endif
