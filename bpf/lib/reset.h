/* Turn a packet round as an RST (RFC 9293 3.10.7.1), so that a refused client knows at once. The segment keeps its length:
 * options and data of an RST are ignored, and every checksum stays incremental. */
#ifndef SHUNT_BPF_RESET_H
#define SHUNT_BPF_RESET_H

#include "bpf/lib/forward.h"

static __always_inline int reset_tcp(ctx_t *ctx, const struct packet *p)
{
	struct tcphdr *tcp = packet_tcp(ctx, p);
	__be32 seq, ack, flags, new_seq = 0, new_ack = 0, new_flags;
	__u64 diff;

	if (tcp == NULL)
		return -DROP_SHORT;
	seq = tcp->seq;
	ack = tcp->ack_seq;
	flags = ((__be32 *)tcp)[3]; /* data offset, flags, window */
	if (p->tcp_flags & TCP_ACK) {
		new_seq = ack;
		new_flags = (flags & bpf_htonl(0xf0000000)) | bpf_htonl((__u32)TCP_RST << 16);
	} else {
		new_ack = bpf_htonl(bpf_ntohl(seq) + p->payload + !!(p->tcp_flags & TCP_SYN) +
		                    !!(p->tcp_flags & TCP_FIN));
		new_flags = (flags & bpf_htonl(0xf0000000)) |
		            bpf_htonl((__u32)(TCP_RST | TCP_ACK) << 16);
	}
	diff = csum_diff32(seq, new_seq) + csum_diff32(ack, new_ack) +
	       csum_diff32(flags, new_flags);
	TRY(ctx_tcp_csum(ctx, p, 0, csum_fold32(diff)));
	tcp = packet_tcp(ctx, p);
	if (tcp == NULL)
		return -DROP_SHORT;
	tcp->seq = new_seq;
	tcp->ack_seq = new_ack;
	((__be32 *)tcp)[3] = new_flags;
	return NEXT;
}

/* The packet goes back where it came from. Never answers an RST. */
static __always_inline int reset_reply(ctx_t *ctx, struct packet *p)
{
	const struct ethhdr *eth = ctx_data(ctx);
	struct rewrite to = {};

	if ((p->tcp_flags & TCP_RST) || p->l4 > 256 || (void *)(eth + 1) > ctx_data_end(ctx))
		return -DROP_SHORT;
	__builtin_memcpy(to.eth_dst, eth->h_source, 6);
	__builtin_memcpy(to.eth_src, eth->h_dest, 6);
	TRY(reset_tcp(ctx, p));
	__builtin_memcpy(to.src, p->dst, sizeof(to.src));
	__builtin_memcpy(to.dst, p->src, sizeof(to.dst));
	to.sport = p->dport;
	to.dport = p->sport;
	to.ifindex = p->ifindex;
	return forward(ctx, p, &to);
}

#endif
