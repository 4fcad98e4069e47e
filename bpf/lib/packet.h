/* What was read from a packet, once. Addresses are 16 bytes for both families, IPv4 as ::ffff:a.b.c.d. */
#ifndef SHUNT_BPF_PACKET_H
#define SHUNT_BPF_PACKET_H

#include "bpf/lib/bpf.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct packet {
	__be32 src[4];
	__be32 dst[4];
	__be16 sport;
	__be16 dport;
	__u16 l4;    /* offset of the TCP header; the network header is at ETH_HLEN */
	__u8 family; /* 4 or 6 */
	__u8 proto;
	__u8 ttl;
	__u8 tcp_flags;
	__u8 fragment; /* not a whole datagram */
	__u8 pad;
	__u32 payload;     /* bytes after the TCP header */
	__u32 l4_len;      /* bytes from the TCP header on, as the network header says */
	__u32 frame;       /* bytes, for counters */
	__u32 ifindex;     /* where it came in */
	__u32 out_ifindex; /* TRANSMIT: where it goes */
	__u32 vip;         /* id + 1, 0 when not known: for counters */
	__u32 member;      /* id + 1 */
};

#define HEADERS_MAX 256 /* the TCP header must begin before */

#endif
