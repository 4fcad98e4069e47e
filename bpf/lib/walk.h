/* The walk of a packet, the same under XDP and TC. */
#ifndef SHUNT_BPF_WALK_H
#define SHUNT_BPF_WALK_H

#include "bpf/lib/flow.h"
#include "bpf/lib/forward.h"
#include "bpf/lib/local.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/reset.h"
#include "bpf/lib/select.h"
#include "bpf/lib/stats.h"
#include "bpf/lib/vip.h"
#include "maps/iface.h"

/* From a client, in a flow: to its member. */
static __always_inline int forward_in(ctx_t *ctx, struct packet *p, struct slot *slot, __u32 index)
{
	const struct map_settings *settings;
	const struct map_nexthop *hop;
	const struct map_member *member;
	struct rewrite to = {};
	__u32 zero = 0, id = slot->member, hop_id, snats;

	p->vip = slot->vip + 1u;
	p->member = id + 1;
	member = bpf_map_lookup_elem(&shunt_members, &id);
	settings = bpf_map_lookup_elem(&shunt_settings, &zero);
	if (member == NULL || settings == NULL)
		return -DROP_INTERNAL;
	if (!(member->flags & MEMBER_F_USED) || member->admin == MEMBER_DISABLED)
		return -DROP_NO_MEMBER;
	hop_id = member->nexthop;
	hop = bpf_map_lookup_elem(&shunt_nexthops, &hop_id);
	if (hop == NULL || !(hop->flags & NEXTHOP_F_RESOLVED))
		return -DROP_NO_NEXTHOP;
	snats = p->family == 4 ? settings->snats_v4 : settings->snats_v6;
	if (slot->snat >= snats)
		return -DROP_NO_RANGE;
	if (p->family == 4) {
		to.src[2] = bpf_htonl(0xffff);
		to.src[3] = settings->snat4[index16(slot->snat)];
	} else {
		__builtin_memcpy(to.src, settings->snat6[index16(slot->snat)], sizeof(to.src));
	}
	__builtin_memcpy(to.dst, member->addr, sizeof(to.dst));
	to.sport = bpf_htons(settings->range_base + (index & (settings->range_ports - 1)));
	to.dport = member->port != 0 ? member->port : p->dport;
	__builtin_memcpy(to.eth_dst, hop->dst, 6);
	__builtin_memcpy(to.eth_src, hop->src, 6);
	to.ifindex = hop->ifindex;
	slot->bytes_in += p->frame;
	stat_in(&shunt_vipstat, p->vip - 1, p->frame);
	stat_in(&shunt_membstat, id, p->frame);
	return forward(ctx, p, &to);
}

static __always_inline int open_flow(ctx_t *ctx, struct packet *p, __u32 now,
                                     struct slot **ret_slot, __u32 *ret_index)
{
	const struct map_vip *vip = NULL;
	__u32 member = 0;

	TRY(vip_lookup(p, &vip));
	if ((p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
		return -DROP_NO_FLOW;
	TRY(select_member(p, vip, now, &member));
	p->member = member + 1;
	TRY(flow_open(ctx, p, member, now, ret_slot, ret_index));
	stat_flow(&shunt_vipstat, p->vip - 1);
	stat_flow(&shunt_membstat, member);
	return NEXT;
}

static __always_inline int walk_client(ctx_t *ctx, struct packet *p)
{
	__u32 now = tick_now(), index = 0;
	struct slot *slot = flow_find(p, &index);

	if (slot != NULL)
		flow_track(slot, p, SLOT_FIN_CLIENT, now);
	else
		TRY(open_flow(ctx, p, now, &slot, &index));
	if (slot == NULL)
		return -DROP_INTERNAL;
	return forward_in(ctx, p, slot, index);
}

/* From a member to one of our SNAT addresses: back to the client. What belongs to no flow is the gateway's own. */
static __always_inline int walk_backend(ctx_t *ctx, struct packet *p)
{
	struct range_key key = { .backend_port = p->sport, .proto = IPPROTO_TCP };
	const struct map_settings *settings;
	const struct map_iface *iface;
	const struct map_vip *vip;
	struct rewrite to = {};
	struct slot *slot;
	const __u32 *range;
	__u32 zero = 0, at, word, id;

	__builtin_memcpy(key.backend, p->src, sizeof(key.backend));
	__builtin_memcpy(key.snat, p->dst, sizeof(key.snat));
	range = bpf_map_lookup_elem(&shunt_ranges, &key);
	settings = bpf_map_lookup_elem(&shunt_settings, &zero);
	if (range == NULL || settings == NULL)
		return NEXT;
	at = bpf_ntohs(p->dport) - settings->range_base;
	if (at >= settings->range_ports)
		return NEXT;
	slot = slot_at(*range * settings->range_ports + at);
	if (slot == NULL)
		return NEXT;
	word = *(volatile __u32 *)&slot->word;
	if (SLOT_STATE(word) == SLOT_FREE || SLOT_STATE(word) == SLOT_REAPING)
		return NEXT;
	id = slot->vip;
	vip = bpf_map_lookup_elem(&shunt_vipcfg, &id);
	id = slot->ifindex;
	iface = bpf_map_lookup_elem(&shunt_ifaces, &id);
	if (vip == NULL || iface == NULL)
		return -DROP_INTERNAL;
	p->vip = slot->vip + 1u;
	p->member = slot->member + 1u;
	flow_track(slot, p, SLOT_FIN_BACKEND, tick_now());
	__builtin_memcpy(to.src, vip->addr, sizeof(to.src));
	__builtin_memcpy(to.dst, slot->client, sizeof(to.dst));
	to.sport = slot->vip_port;
	to.dport = slot->client_port;
	__builtin_memcpy(to.eth_dst, slot->client_mac, 6);
	__builtin_memcpy(to.eth_src, iface->mac, 6);
	to.ifindex = slot->ifindex;
	slot->bytes_out += p->frame;
	stat_out(&shunt_vipstat, p->vip - 1, p->frame);
	stat_out(&shunt_membstat, p->member - 1, p->frame);
	return forward(ctx, p, &to);
}

static __always_inline int walk(ctx_t *ctx, struct packet *p)
{
	__u32 local = 0;

	TRY(packet_parse(ctx, p));
	TRY(local_check(p, &local));
	if (p->fragment && !(local & ADDR_F_VIP))
		return PASS;
	TRY(tcp_parse(ctx, p));
	if (local & ADDR_F_SNAT)
		TRY(walk_backend(ctx, p));
	if (local & ADDR_F_VIP)
		return walk_client(ctx, p);
	return PASS;
}

/* The one way out: everything that is not forwarded is counted under its name. */
static __always_inline int verdict(ctx_t *ctx, struct packet *p, int r)
{
	if (r == -DROP_NO_FLOW || r == -DROP_NO_BACKEND || r == -DROP_NO_MEMBER) {
		stat_drop(p, -r);
		r = reset_reply(ctx, p);
		if (r != TRANSMIT)
			return CTX_DROP;
	}
	if (r == TRANSMIT)
		return ctx_transmit(ctx, p);
	if (r >= 0)
		return CTX_OK;
	stat_drop(p, -r);
	return CTX_DROP;
}

#endif
