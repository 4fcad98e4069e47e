/* The packet's frame under XDP: bytes are ours to change, checksums are complete. */
#ifndef SHUNT_BPF_CTX_H
#define SHUNT_BPF_CTX_H

#include <stddef.h>
#include "bpf/lib/bpf.h"
#include "bpf/lib/packet.h"
#include "bpf/lib/csum.h"

typedef struct xdp_md ctx_t;

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
	return ctx->ingress_ifindex;
}

static __always_inline __u32 ctx_frame(const ctx_t *ctx)
{
	return ctx->data_end - ctx->data;
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

/* Make the first len bytes readable and writable; all of a frame is, under XDP. */
static __always_inline void ctx_pull(ctx_t *ctx, __u32 len)
{
	(void)ctx;
	(void)len;
}

/* Mend the TCP checksum: pseudo is the change of the addresses, inner that of the TCP header. */
static __always_inline int ctx_tcp_csum(ctx_t *ctx, const struct packet *p, __u32 pseudo,
                                        __u32 inner)
{
	struct tcphdr *tcp = packet_tcp(ctx, p);

	if (tcp == NULL)
		return -DROP_SHORT;
	tcp->check = csum_apply(tcp->check, (__u64)pseudo + inner);
	return NEXT;
}

#define CTX_OK   XDP_PASS
#define CTX_DROP XDP_DROP

static __always_inline int ctx_transmit(const ctx_t *ctx, const struct packet *p)
{
	if (p->out_ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	return bpf_redirect(p->out_ifindex, 0);
}

#endif
