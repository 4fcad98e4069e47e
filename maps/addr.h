/* shunt_addrs: the pre-filter. Every address we answer for (vips) or from (SNAT); all other packets pass at the
 * price of one lookup that misses.
 * Writer: datapath/dp_vip.c.  Reader: bpf/lib/local.h for every packet.
 * Look: bpftool map dump name shunt_addrs */
#ifndef SHUNT_MAPS_ADDR_H
#define SHUNT_MAPS_ADDR_H

#include "maps/common.h"

#define ADDR_F_VIP  1u /* at least one kernel-plane vip has this address */
#define ADDR_F_SNAT 2u /* flows leave towards backends from this address */

struct addr_key {
	__be32 addr[4]; /* IPv4 as ::ffff:a.b.c.d */
};
MAP_LAYOUT(struct addr_key, 16);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VIPS_MAX);
	__type(key, struct addr_key);
	__type(value, __u32); /* ADDR_F_… */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_addrs SEC(".maps");
#endif

#endif
