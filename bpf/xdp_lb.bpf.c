/* The balancer under XDP. The walk is bpf/lib/walk.h. 
 * SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf/lib/ctx_xdp.h"
#include "bpf/lib/walk.h"

SEC("xdp")
int shunt_xdp(ctx_t *ctx)
{
	struct packet p = {};

	return verdict(ctx, &p, walk(ctx, &p));
}

char LICENSE[] SEC("license") = "GPL";
