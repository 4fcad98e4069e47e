/* shunt_vips: which (address, port, protocol) we answer for; read for new flows only.
 * shunt_vipcfg: what a vip is, by id.
 * Writer: datapath/dp_vip.c.  Readers: bpf/lib/vip.h on every new flow, bpf/lib/flow.h for the address of a reply;
 * shunt show vips.
 * Look: bpftool map dump name shunt_vips; bpftool map dump name shunt_vipcfg */
#ifndef SHUNT_MAPS_VIP_H
#define SHUNT_MAPS_VIP_H

#include "maps/common.h"

struct vip_key {
	__be32 addr[4]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;    /* 0 matches any port (reserved) */
	__u8 proto;     /* IPPROTO_TCP */
	__u8 pad;       /* must be zero: keys are hashed as raw bytes */
};
MAP_LAYOUT(struct vip_key, 20);

#define VIP_F_USED  1u /* the id is taken */
#define VIP_F_PROXY 2u /* answered by the proxy: the kernel plane lets its packets pass */

#define VIP_PORTS_SHOWN 16

struct map_vip {
	__u32 flags;         /* VIP_F_… */
	__u32 pool;          /* pool id; meaningless for proxy vips */
	__u32 persist_ticks; /* 0: no source-IP persistence */
	__u32 persist_group; /* key of shunt_persist: vip ids that share entries share this */
	__u8 persist_len4;   /* prefix length that counts as one client */
	__u8 persist_len6;
	__u16 n_ports;
	__be32 addr[4];
	__be16 ports[VIP_PORTS_SHOWN]; /* the first ones, for shunt show; shunt_vips decides */
	char name[SHUNT_NAME_MAX];
};
MAP_LAYOUT(struct map_vip, 100);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VIP_PORTS_MAX);
	__type(key, struct vip_key);
	__type(value, __u32); /* vip id */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VIPS_MAX);
	__type(key, __u32);
	__type(value, struct map_vip);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_vipcfg SEC(".maps");
#endif

#endif
