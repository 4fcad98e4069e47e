/* Step 2: is the destination ours? Everything else passes at the price of one lookup. */
#ifndef SHUNT_BPF_LOCAL_H
#define SHUNT_BPF_LOCAL_H

#include "bpf/lib/packet.h"
#include "maps/addr.h"

static __always_inline int local_check(const struct packet *p, __u32 *ret_flags)
{
	const __u32 *flags = bpf_map_lookup_elem(&shunt_addrs, p->dst);

	if (flags == NULL)
		return PASS;
	*ret_flags = *flags;
	return NEXT;
}

#endif
