/* Step 9: rewrite addresses, ports and checksums, put the frame for the next hop in front, and send. */
#ifndef SHUNT_BPF_FORWARD_H
#define SHUNT_BPF_FORWARD_H

#include "bpf/lib/packet.h"
#include "bpf/lib/csum.h"

/* What a packet becomes. */
struct rewrite {
	__be32 src[4];
	__be32 dst[4];
	__be16 sport;
	__be16 dport;
	__u8 eth_dst[6];
	__u8 eth_src[6];
	__u32 ifindex;
};

static __always_inline void rewrite_ip4(struct iphdr *ip, const struct rewrite *to, __u64 pseudo)
{
	__be16 was = ((__be16 *)ip)[4], is; /* TTL and protocol */
	__u64 diff = pseudo;

	ip->ttl--;
	is = ((__be16 *)ip)[4];
	diff += (__u64)(__u16)~was + is;
	ip->saddr = to->src[3];
	ip->daddr = to->dst[3];
	ip->check = csum_apply(ip->check, diff);
}

static __always_inline void rewrite_ip6(struct ipv6hdr *ip, const struct rewrite *to)
{
	ip->hop_limit--;
	__builtin_memcpy(&ip->saddr, to->src, 16);
	__builtin_memcpy(&ip->daddr, to->dst, 16);
}

static __always_inline int rewrite_headers(ctx_t *ctx, const struct packet *p,
                                           const struct rewrite *to, __u64 pseudo)
{
	struct ethhdr *eth = ctx_data(ctx);
	struct tcphdr *tcp = packet_tcp(ctx, p);
	void *end = ctx_data_end(ctx);

	if (tcp == NULL || (void *)(eth + 1) > end)
		return -DROP_SHORT;
	__builtin_memcpy(eth->h_dest, to->eth_dst, 6);
	__builtin_memcpy(eth->h_source, to->eth_src, 6);
	tcp->source = to->sport;
	tcp->dest = to->dport;
	if (p->family == 4) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return -DROP_SHORT;
		rewrite_ip4(ip, to, pseudo);
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return -DROP_SHORT;
		rewrite_ip6(ip, to);
	}
	return NEXT;
}

static __always_inline int forward(ctx_t *ctx, struct packet *p, const struct rewrite *to)
{
	__u64 pseudo, inner;

	if (p->ttl <= 1)
		return -DROP_TTL;
	pseudo = csum_diff128(p->src, to->src) + csum_diff128(p->dst, to->dst);
	inner = (__u64)(__u16)~p->sport + to->sport + (__u16)~p->dport + to->dport;
	TRY(ctx_tcp_csum(ctx, p, csum_fold32(pseudo), csum_fold32(inner)));
	TRY(rewrite_headers(ctx, p, to, pseudo));
	p->out_ifindex = to->ifindex;
	return TRANSMIT;
}

#endif
