/* What every step needs: kernel types, helpers, the verdicts and the one control-flow macro. */
#ifndef SHUNT_BPF_BPF_H
#define SHUNT_BPF_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "maps/common.h"
#include "maps/stats.h"

/* A step returns NEXT, a verdict, or -DROP_…. */
enum verdict {
	NEXT = 0,
	PASS,     /* not ours: the kernel goes on with it */
	TRANSMIT, /* send to packet.out_ifindex */
};

#define TRY(step)                   \
	do {                        \
		int __r = (step);   \
		if (__r != NEXT)    \
			return __r; \
	} while (0)

/* Time in ticks (maps/settings.h): set when the program is loaded. */
const volatile __u32 tick_shift = 8;

static __always_inline __u32 tick_now(void)
{
	return (__u32)(bpf_jiffies64() >> tick_shift);
}

/* An index below 16, in a way that the compiler cannot move away from its use and the verifier understands. */
static __always_inline __u32 index16(__u32 i)
{
	asm volatile("%0 &= 0xf" : "+r"(i));
	return i;
}

#endif
