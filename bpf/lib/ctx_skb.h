/* The packet's frame under TC: headers may lie in fragments, checksums may be partial (a local sender or GSO). */
#ifndef SHUNT_BPF_CTX_H
#define SHUNT_BPF_CTX_H

#include <linux/pkt_cls.h>
#include <stddef.h>
#include "bpf/lib/bpf.h"
#include "bpf/lib/packet.h"
#include "bpf/lib/csum.h"

typedef struct __sk_buff ctx_t;

static __always_inline void *ctx_data(const ctx_t *ctx)
{
	return (void *)(long)ctx->data;
}

static __always_inline void *ctx_data_end(const ctx_t *ctx)
{
	return (void *)(long)ctx->data_end;
}

static __always_inline __u32 ctx_ifindex(const ctx_t *ctx)
{
	return ctx->ifindex;
}

static __always_inline __u32 ctx_frame(const ctx_t *ctx)
{
	return ctx->len;
}

/* The TCP header found by parse, or NULL. The mask is for the verifier, which forgets what it knew of a stored offset. */
static __always_inline struct tcphdr *packet_tcp(const ctx_t *ctx, const struct packet *p)
{
	__u32 at = p->l4;
	struct tcphdr *tcp;

	asm volatile("%0 &= 0x1ff" : "+r"(at));
	tcp = ctx_data(ctx) + at;
	if ((void *)(tcp + 1) > ctx_data_end(ctx))
		return NULL;
	return tcp;
}

static __always_inline void ctx_pull(ctx_t *ctx, __u32 len)
{
	if (ctx->data_end - ctx->data < len)
		bpf_skb_pull_data(ctx, len < ctx->len ? len : ctx->len);
}

/* The helper knows whether the checksum is complete or only that of the pseudo header. */
static __always_inline int ctx_tcp_csum(ctx_t *ctx, const struct packet *p, __u32 pseudo,
                                        __u32 inner)
{
	__u32 at = p->l4 + (__u32)offsetof(struct tcphdr, check);

	if (bpf_l4_csum_replace(ctx, at, 0, pseudo, BPF_F_PSEUDO_HDR) < 0)
		return -DROP_SHORT;
	if (bpf_l4_csum_replace(ctx, at, 0, inner, 0) < 0)
		return -DROP_SHORT;
	return NEXT;
}

#define CTX_OK   TC_ACT_OK
#define CTX_DROP TC_ACT_SHOT

static __always_inline int ctx_transmit(const ctx_t *ctx, const struct packet *p)
{
	(void)ctx;
	return bpf_redirect(p->out_ifindex, 0);
}

#endif
