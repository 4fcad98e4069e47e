/* A flow has one owner: its slot. The slot's place in the table *is* the SNAT port, so the reply finds it without a
 * second hash entry, and no half of a NAT pair can outlive the other.
 *
 *   client → vip       shunt_flow4 / shunt_flow6 {client, vip, ports} → slot number + the generation it was given
 *   backend → us       shunt_ranges {backend, SNAT address, backend port} → range; slot = range × range_ports + port
 *   shunt_slots        the flow itself, 64 bytes: one cache line
 *
 * slot.word holds generation and state and changes only by compare-and-swap. A finder whose generation differs from
 * the slot's treats the flow as gone. FREE → SYN (new generation) by the kernel plane; SYN → ACTIVE when the client
 * answers; → CLOSING on FIN from both sides or RST; any → REAPING → FREE by the sweeper, which deletes the hash entry
 * in between. shunt_active counts ACTIVE exactly: +1 by whoever swaps SYN→ACTIVE, −1 by whoever swaps it away.
 *
 * Writers: bpf/lib/flow.h; datapath/dp_sweep.c (through a memory map, with real atomics).  Readers: both, shunt show flows.
 * Look: bpftool map dump name shunt_flow4 */
#ifndef SHUNT_MAPS_FLOW_H
#define SHUNT_MAPS_FLOW_H

#include "maps/common.h"

struct flow4_key {
	__be32 client;
	__be32 vip;
	__be16 client_port;
	__be16 vip_port;
	__u8 proto;
	__u8 pad[3];
};
MAP_LAYOUT(struct flow4_key, 16);

struct flow6_key {
	__be32 client[4];
	__be32 vip[4];
	__be16 client_port;
	__be16 vip_port;
	__u8 proto;
	__u8 pad[3];
};
MAP_LAYOUT(struct flow6_key, 40);

struct flow_ref {
	__u32 slot;       /* index into shunt_slots */
	__u32 generation; /* SLOT_GENERATION() of the slot when the flow was opened */
};
MAP_LAYOUT(struct flow_ref, 8);

enum slot_state {
	SLOT_FREE = 0,
	SLOT_SYN = 1,     /* the client's SYN went to the backend */
	SLOT_ACTIVE = 2,  /* established: counted in shunt_active */
	SLOT_CLOSING = 3, /* FIN from both sides, or RST */
	SLOT_REAPING = 4, /* the sweeper is taking it apart: nobody else may touch it */
};

/* The word: generation (24 bits), who sent a FIN (4 bits), state (4 bits). */
#define SLOT_STATE(word)      ((word)&0xfu)
#define SLOT_FINS(word)       (((word) >> 4) & 0xfu)
#define SLOT_GENERATION(word) ((word) >> 8)
#define SLOT_WORD(generation, state, fins) \
	(((__u32)(generation) << 8) | ((__u32)(fins) << 4) | (__u32)(state))

#define SLOT_FIN_CLIENT  1u /* FIN seen from the client */
#define SLOT_FIN_BACKEND 2u

struct slot {
	__u32 word;         /* generation << 8 | state: by compare-and-swap only */
	__u32 tick;         /* of the last packet */
	__u32 ifindex;      /* where the client's packets came in: replies leave there */
	__u16 vip;          /* vip id */
	__u16 member;       /* member id */
	__u8 snat;          /* which of settings.snat4 or snat6 */
	__u8 family;        /* 4 or 6: which hash holds the entry */
	__u8 client_mac[6]; /* the neighbour that brought the client's packets: replies go to it */
	__be16 client_port;
	__be16 vip_port;
	__u32 opened;     /* tick of the SYN */
	__be32 client[4]; /* IPv4 as ::ffff:a.b.c.d */
	__u64 bytes_in;   /* from the client, frame bytes */
	__u64 bytes_out;  /* to the client */
};
MAP_LAYOUT(struct slot, 64);

struct range_key {
	__be32 backend[4];
	__be32 snat[4];
	__be16 backend_port;
	__u8 proto;
	__u8 pad;
};
MAP_LAYOUT(struct range_key, 36);

#ifdef __bpf__
/* The sizes are set when the maps are created (limits.flows, ranges needed × limits.range_ports). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct flow4_key);
	__type(value, struct flow_ref);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_flow4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct flow6_key);
	__type(value, struct flow_ref);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_flow6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct range_key);
	__type(value, __u32); /* range id */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_ranges SEC(".maps");
#endif

#endif
