/* Source-IP persistence: a client's next flow goes where its last one went, while the entry lives. */
#ifndef SHUNT_BPF_PERSIST_H
#define SHUNT_BPF_PERSIST_H

#include "bpf/lib/packet.h"
#include "maps/member.h"
#include "maps/persist.h"
#include "maps/vip.h"

static __always_inline void persist_key_of(const struct packet *p, const struct map_vip *vip,
                                           struct persist_key *key)
{
	__u32 len = p->family == 4 ? 96 + vip->persist_len4 : vip->persist_len6;

	key->group = vip->persist_group;
	for (int i = 0; i < 4; i++) {
		__u32 keep = len > i * 32u ? len - i * 32u : 0;

		key->client[i] = p->src[i];
		if (keep < 32)
			key->client[i] &= keep == 0 ? 0 : bpf_htonl(~0u << (32 - keep));
	}
}

/* May new flows go to this member? */
static __always_inline int member_usable(const struct map_member *member, __u32 pool)
{
	return member != NULL && (member->flags & MEMBER_F_USED) && member->pool == pool &&
	       member->health == MEMBER_UP && member->admin == MEMBER_ENABLED;
}

/* The member this client is bound to, or 0 when there is none that may be used. */
static __always_inline int persist_find(const struct packet *p, const struct map_vip *vip,
                                        __u32 now, __u32 *ret_member)
{
	struct persist_key key = {};
	const struct map_member *member;
	struct map_persist *entry;
	__u32 id;

	persist_key_of(p, vip, &key);
	entry = bpf_map_lookup_elem(&shunt_persist, &key);
	if (entry == NULL || (__s32)(entry->expires - now) < 0)
		return 0;
	id = entry->member;
	member = bpf_map_lookup_elem(&shunt_members, &id);
	if (!member_usable(member, vip->pool) || member->backend != entry->backend)
		return 0;
	entry->expires = now + vip->persist_ticks;
	*ret_member = id;
	return 1;
}

static __always_inline void persist_store(const struct packet *p, const struct map_vip *vip,
                                          __u32 now, __u32 id)
{
	const struct map_member *member = bpf_map_lookup_elem(&shunt_members, &id);
	struct map_persist entry = { .member = id,
		                     .expires = now + vip->persist_ticks,
		                     .since = now };
	struct persist_key key = {};

	if (member == NULL)
		return;
	entry.backend = member->backend;
	persist_key_of(p, vip, &key);
	/* A lost entry only balances the client anew. */
	bpf_map_update_elem(&shunt_persist, &key, &entry, BPF_ANY);
}

#endif
