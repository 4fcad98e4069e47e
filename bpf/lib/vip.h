/* Step 4, new flows only: which vip was asked for? */
#ifndef SHUNT_BPF_VIP_H
#define SHUNT_BPF_VIP_H

#include "bpf/lib/packet.h"
#include "maps/vip.h"

static __always_inline int vip_lookup(struct packet *p, const struct map_vip **ret_vip)
{
	struct vip_key key = { .port = p->dport, .proto = IPPROTO_TCP };
	const struct map_vip *vip;
	const __u32 *id;
	__u32 index;

	__builtin_memcpy(key.addr, p->dst, sizeof(key.addr));
	id = bpf_map_lookup_elem(&shunt_vips, &key);
	if (id == NULL)
		return PASS;
	index = *id;
	vip = bpf_map_lookup_elem(&shunt_vipcfg, &index);
	if (vip == NULL || !(vip->flags & VIP_F_USED))
		return -DROP_INTERNAL;
	if (vip->flags & VIP_F_PROXY)
		return PASS;
	p->vip = index + 1;
	*ret_vip = vip;
	return NEXT;
}

#endif
