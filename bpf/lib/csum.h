/* Incremental Internet checksums (RFC 1624): differences are added up as words and folded at the end. */
#ifndef SHUNT_BPF_CSUM_H
#define SHUNT_BPF_CSUM_H

#include "bpf/lib/bpf.h"

/* What replacing one 32-bit word by another adds to a sum. */
static __always_inline __u64 csum_diff32(__be32 was, __be32 is)
{
	return (__u64)(__u32)~was + is;
}

static __always_inline __u64 csum_diff128(const __be32 was[4], const __be32 is[4])
{
	return csum_diff32(was[0], is[0]) + csum_diff32(was[1], is[1]) +
	       csum_diff32(was[2], is[2]) + csum_diff32(was[3], is[3]);
}

/* 64 bits to 32, carries added back. */
static __always_inline __u32 csum_fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (__u32)sum;
}

static __always_inline __sum16 csum_apply(__sum16 check, __u64 diff)
{
	__u64 sum = (__u16)~check + (diff & 0xffffffff) + (diff >> 32);

	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__sum16)~sum;
}

#endif
