/* Steps 3 and 7: find a flow, open one, and move it through its states. maps/flow.h explains the tables. */
#ifndef SHUNT_BPF_FLOW_H
#define SHUNT_BPF_FLOW_H

#include "bpf/lib/packet.h"
#include "bpf/lib/stats.h"
#include "maps/flow.h"
#include "maps/member.h"
#include "maps/settings.h"

#define PORT_TRIES 16

static __always_inline struct slot *slot_at(__u32 index)
{
	return bpf_map_lookup_elem(&shunt_slots, &index);
}

static __always_inline void active_add(__u32 member, __s32 by)
{
	__u32 *active = bpf_map_lookup_elem(&shunt_active, &member);

	if (active != NULL)
		__sync_fetch_and_add(active, (__u32)by);
}

/* The only way a slot's word changes here. True when this caller made the change, so that what follows from it is
 * done exactly once. */
static __always_inline int slot_swap(struct slot *slot, __u32 was, __u32 is)
{
	if (__sync_val_compare_and_swap(&slot->word, was, is) != was)
		return 0;
	if (SLOT_STATE(was) == SLOT_ACTIVE && SLOT_STATE(is) != SLOT_ACTIVE)
		active_add(slot->member, -1);
	if (SLOT_STATE(was) != SLOT_ACTIVE && SLOT_STATE(is) == SLOT_ACTIVE)
		active_add(slot->member, 1);
	return 1;
}

static __always_inline void flow4_key_of(const struct packet *p, struct flow4_key *key)
{
	key->client = p->src[3];
	key->vip = p->dst[3];
	key->client_port = p->sport;
	key->vip_port = p->dport;
	key->proto = IPPROTO_TCP;
}

static __always_inline void flow6_key_of(const struct packet *p, struct flow6_key *key)
{
	__builtin_memcpy(key->client, p->src, sizeof(key->client));
	__builtin_memcpy(key->vip, p->dst, sizeof(key->vip));
	key->client_port = p->sport;
	key->vip_port = p->dport;
	key->proto = IPPROTO_TCP;
}

static __always_inline const struct flow_ref *flow_lookup(const struct packet *p)
{
	struct flow4_key key4 = {};
	struct flow6_key key6 = {};

	if (p->family == 4) {
		flow4_key_of(p, &key4);
		return bpf_map_lookup_elem(&shunt_flow4, &key4);
	}
	flow6_key_of(p, &key6);
	return bpf_map_lookup_elem(&shunt_flow6, &key6);
}

static __always_inline long flow_insert(const struct packet *p, const struct flow_ref *ref,
                                        __u64 how)
{
	struct flow4_key key4 = {};
	struct flow6_key key6 = {};

	if (p->family == 4) {
		flow4_key_of(p, &key4);
		return bpf_map_update_elem(&shunt_flow4, &key4, ref, how);
	}
	flow6_key_of(p, &key6);
	return bpf_map_update_elem(&shunt_flow6, &key6, ref, how);
}

/* The live slot of a packet from a client, or NULL. A reference to a slot that was given to another flow since, or is
 * being taken apart, is no flow. */
static __always_inline struct slot *flow_find(const struct packet *p, __u32 *ret_index)
{
	const struct flow_ref *ref = flow_lookup(p);
	struct slot *slot;
	__u32 word;

	if (ref == NULL)
		return NULL;
	slot = slot_at(ref->slot);
	if (slot == NULL)
		return NULL;
	word = *(volatile __u32 *)&slot->word;
	if (SLOT_GENERATION(word) != ref->generation || SLOT_STATE(word) == SLOT_FREE ||
	    SLOT_STATE(word) == SLOT_REAPING)
		return NULL;
	*ret_index = ref->slot;
	return slot;
}

/* Move on: what this packet says about its flow. fin is SLOT_FIN_CLIENT or SLOT_FIN_BACKEND: who sent it. */
static __always_inline void flow_track(struct slot *slot, const struct packet *p, __u32 fin,
                                       __u32 now)
{
	__u32 word = *(volatile __u32 *)&slot->word;
	__u32 state = SLOT_STATE(word), fins = SLOT_FINS(word);

	if (slot->tick != now)
		slot->tick = now;
	if (state != SLOT_SYN && state != SLOT_ACTIVE &&
	    !(state == SLOT_CLOSING && (p->tcp_flags & TCP_SYN)))
		return;
	if (p->tcp_flags & TCP_RST)
		state = SLOT_CLOSING;
	else if (p->tcp_flags & TCP_FIN)
		fins |= fin;
	if (state == SLOT_SYN && fin == SLOT_FIN_CLIENT &&
	    (p->tcp_flags & (TCP_ACK | TCP_SYN)) == TCP_ACK)
		state = SLOT_ACTIVE;
	/* The same four addresses and ports begin anew before the old flow was swept. */
	if (state == SLOT_CLOSING && fin == SLOT_FIN_CLIENT &&
	    (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
		state = SLOT_SYN;
		fins = 0;
	}
	if (fins == (SLOT_FIN_CLIENT | SLOT_FIN_BACKEND))
		state = SLOT_CLOSING;
	if (state == SLOT_STATE(word) && fins == SLOT_FINS(word))
		return;
	/* Lost against the other direction or the sweeper: the next packet says it again. */
	slot_swap(slot, word, SLOT_WORD(SLOT_GENERATION(word), state, fins));
}

static __always_inline __u32 flow_hash(const struct packet *p)
{
	__u32 h = p->src[0] ^ p->src[1] ^ p->src[2] ^ p->src[3] ^ p->dst[3];

	h ^= ((__u32)p->sport << 16) | p->dport;
	h *= 0x9e3779b1u;
	h ^= h >> 15;
	h *= 0x85ebca77u;
	return h ^ (h >> 13);
}

/* A free slot of the range: the client's own port first, then places spread by hash and CPU, so that many clients do not
 * search behind each other. The slot is ours (state SYN, next generation) when this returns NEXT. */
static __always_inline int slot_take(const struct packet *p, const struct map_settings *settings,
                                     __u32 range, __u32 *ret_index, __u32 *ret_generation)
{
	__u32 mask = settings->range_ports - 1, base = range * settings->range_ports;
	__u32 at = bpf_ntohs(p->sport) - settings->range_base;
	__u32 step = flow_hash(p) | 1;

	if (at > mask)
		at = step >> 7;
	step += bpf_get_smp_processor_id() << 4;
	for (int i = 0; i < PORT_TRIES; i++) {
		__u32 index = base + (at & mask), word, next;
		struct slot *slot = slot_at(index);

		if (slot == NULL)
			return -DROP_NO_PORT;
		word = *(volatile __u32 *)&slot->word;
		next = SLOT_WORD(SLOT_GENERATION(word) + 1, SLOT_SYN, 0);
		if (SLOT_STATE(word) == SLOT_FREE && slot_swap(slot, word, next)) {
			*ret_index = index;
			*ret_generation = SLOT_GENERATION(next);
			return NEXT;
		}
		at += step;
	}
	return -DROP_NO_PORT;
}

/* The range of SNAT ports towards this member from one of our addresses. */
static __always_inline int range_find(const struct packet *p, const struct map_settings *settings,
                                      const struct map_member *member, __u32 *ret_range,
                                      __u32 *ret_snat)
{
	struct range_key key = { .proto = IPPROTO_TCP };
	__u32 snats = p->family == 4 ? settings->snats_v4 : settings->snats_v6;
	const __u32 *range;
	__u32 choice;

	if (snats == 0 || snats > SNATS_MAX)
		return -DROP_NO_RANGE;
	choice = (flow_hash(p) >> 8) % snats;
	__builtin_memcpy(key.backend, member->addr, sizeof(key.backend));
	key.backend_port = member->port != 0 ? member->port : p->dport;
	if (p->family == 4) {
		key.snat[2] = bpf_htonl(0xffff);
		key.snat[3] = settings->snat4[index16(choice)];
	} else {
		__builtin_memcpy(key.snat, settings->snat6[index16(choice)], sizeof(key.snat));
	}
	range = bpf_map_lookup_elem(&shunt_ranges, &key);
	if (range == NULL)
		return -DROP_NO_RANGE;
	*ret_range = *range;
	*ret_snat = choice;
	return NEXT;
}

static __always_inline void slot_fill(ctx_t *ctx, struct slot *slot, const struct packet *p,
                                      __u32 member, __u32 now)
{
	const struct ethhdr *eth = ctx_data(ctx);

	slot->tick = now;
	slot->opened = now;
	slot->ifindex = p->ifindex;
	slot->vip = p->vip - 1;
	slot->member = member;
	slot->family = p->family;
	slot->client_port = p->sport;
	slot->vip_port = p->dport;
	slot->bytes_in = 0;
	slot->bytes_out = 0;
	__builtin_memcpy(slot->client, p->src, sizeof(slot->client));
	if ((void *)(eth + 1) <= ctx_data_end(ctx))
		__builtin_memcpy(slot->client_mac, eth->h_source, 6);
}

/* Open a flow to member. A second SYN of the same flow that lost the race finds the entry of the first and gives up its
 * slot; the client's retransmission finds the flow. */
static __always_inline int flow_open(ctx_t *ctx, struct packet *p, __u32 member_id, __u32 now,
                                     struct slot **ret_slot, __u32 *ret_index)
{
	const struct map_member *member = bpf_map_lookup_elem(&shunt_members, &member_id);
	const struct map_settings *settings;
	struct flow_ref ref = {};
	struct slot *slot;
	__u32 zero = 0, range = 0, snat = 0, word;
	const struct flow_ref *old;

	settings = bpf_map_lookup_elem(&shunt_settings, &zero);
	if (settings == NULL || member == NULL)
		return -DROP_INTERNAL;
	TRY(range_find(p, settings, member, &range, &snat));
	TRY(slot_take(p, settings, range, &ref.slot, &ref.generation));
	slot = slot_at(ref.slot);
	if (slot == NULL)
		return -DROP_INTERNAL;
	slot_fill(ctx, slot, p, member_id, now);
	slot->snat = snat;
	if (flow_insert(p, &ref, BPF_NOEXIST) != 0) {
		/* An entry whose slot went to another flow may be written over; a live one may not. */
		old = flow_lookup(p);
		if (old == NULL || flow_find(p, &zero) != NULL ||
		    flow_insert(p, &ref, BPF_EXIST) != 0) {
			word = SLOT_WORD(ref.generation, SLOT_SYN, 0);
			slot_swap(slot, word, SLOT_WORD(ref.generation, SLOT_FREE, 0));
			return -DROP_FLOW_FULL;
		}
	}
	*ret_slot = slot;
	*ret_index = ref.slot;
	return NEXT;
}

#endif
