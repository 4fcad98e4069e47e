/* Step 1: Ethernet, IPv4 or IPv6 and its extension headers, TCP. The network header is read for every packet; the TCP
 * header only for those to our addresses, so that others are never counted as broken. */
#ifndef SHUNT_BPF_PARSE_H
#define SHUNT_BPF_PARSE_H

#include "bpf/lib/packet.h"

#define EXTENSIONS_MAX 6
#define IP_FRAGMENT    0x3fff /* more-fragments and offset */

static __always_inline int parse_ip4(ctx_t *ctx, struct packet *p)
{
	const struct iphdr *ip = ctx_data(ctx) + ETH_HLEN;
	__u32 len;

	if ((void *)(ip + 1) > ctx_data_end(ctx) || ip->ihl < 5)
		return PASS;
	p->family = 4;
	p->src[2] = p->dst[2] = bpf_htonl(0xffff);
	p->src[3] = ip->saddr;
	p->dst[3] = ip->daddr;
	p->proto = ip->protocol;
	p->ttl = ip->ttl;
	p->fragment = (ip->frag_off & bpf_htons(IP_FRAGMENT)) != 0;
	p->l4 = ETH_HLEN + ip->ihl * 4;
	len = bpf_ntohs(ip->tot_len);
	p->l4_len = len > ip->ihl * 4u ? len - ip->ihl * 4u : 0;
	return NEXT;
}

struct extension {
	__u8 next;
	__u8 len; /* in 8 bytes, without the first 8 */
};

static __always_inline int parse_extensions(ctx_t *ctx, struct packet *p)
{
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		const struct extension *ext;
		__u32 len, at = p->l4;

		if (p->proto == IPPROTO_FRAGMENT) {
			p->fragment = 1;
			return NEXT;
		}
		if (p->proto != IPPROTO_HOPOPTS && p->proto != IPPROTO_ROUTING &&
		    p->proto != IPPROTO_DSTOPTS)
			return NEXT;
		if (at > HEADERS_MAX)
			return PASS;
		asm volatile("%0 &= 0x1ff" : "+r"(at));
		ext = ctx_data(ctx) + at;
		if ((void *)(ext + 1) > ctx_data_end(ctx))
			return PASS;
		len = 8u + ext->len * 8u;
		p->proto = ext->next;
		p->l4 += len;
		p->l4_len = p->l4_len > len ? p->l4_len - len : 0;
	}
	return PASS;
}

static __always_inline int parse_ip6(ctx_t *ctx, struct packet *p)
{
	const struct ipv6hdr *ip = ctx_data(ctx) + ETH_HLEN;

	if ((void *)(ip + 1) > ctx_data_end(ctx))
		return PASS;
	p->family = 6;
	__builtin_memcpy(p->src, &ip->saddr, 16);
	__builtin_memcpy(p->dst, &ip->daddr, 16);
	p->proto = ip->nexthdr;
	p->ttl = ip->hop_limit;
	p->l4 = ETH_HLEN + sizeof(*ip);
	p->l4_len = bpf_ntohs(ip->payload_len);
	return NEXT;
}

static __always_inline int packet_parse(ctx_t *ctx, struct packet *p)
{
	const struct ethhdr *eth;

	ctx_pull(ctx, ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct tcphdr));
	eth = ctx_data(ctx);
	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return PASS;
	p->frame = ctx_frame(ctx);
	p->ifindex = ctx_ifindex(ctx);
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_ip4(ctx, p);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return parse_ip6(ctx, p);
	return PASS;
}

static __always_inline int tcp_parse(ctx_t *ctx, struct packet *p)
{
	const struct tcphdr *tcp;

	if (p->family == 6)
		TRY(parse_extensions(ctx, p));
	if (p->proto != IPPROTO_TCP && !p->fragment)
		return PASS;
	if (p->fragment)
		return -DROP_FRAGMENT;
	if (p->l4 > HEADERS_MAX)
		return -DROP_SHORT;
	ctx_pull(ctx, p->l4 + sizeof(*tcp));
	tcp = packet_tcp(ctx, p);
	if (tcp == NULL)
		return -DROP_SHORT;
	if (tcp->doff < 5 || p->l4_len < tcp->doff * 4u)
		return -DROP_SHORT;
	p->sport = tcp->source;
	p->dport = tcp->dest;
	p->tcp_flags = ((const __u8 *)tcp)[13];
	p->payload = p->l4_len - tcp->doff * 4u;
	return NEXT;
}

#endif
