/* The balancer under TC. The walk is bpf/lib/walk.h. 
 * SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf/lib/ctx_skb.h"
#include "bpf/lib/walk.h"

SEC("tc")
int shunt_tc(ctx_t *ctx)
{
	struct packet p = {};

	return verdict(ctx, &p, walk(ctx, &p));
}

char LICENSE[] SEC("license") = "GPL";
