/* shunt_members: one backend in one pool, by id. shunt_active: its established flows, exact.
 * shunt_nexthops: the frame that reaches a backend, resolved by control over netlink; a FIB lookup for each packet
 * would cost more than all the rest.
 * Writers: datapath/dp_member.c, dp_nexthop.c; shunt_active by the kernel plane and the sweeper, exactly once a flow.
 * Readers: bpf/lib/select.h, bpf/lib/forward.h; shunt show backends.
 * Look: bpftool map dump name shunt_members */
#ifndef SHUNT_MAPS_MEMBER_H
#define SHUNT_MAPS_MEMBER_H

#include "maps/common.h"

#define MEMBER_F_USED 1u

enum member_health {
	MEMBER_UNKNOWN = 0, /* no verdict yet: takes no new flows */
	MEMBER_UP = 1,
	MEMBER_DOWN = 2,
};

enum member_admin {
	MEMBER_ENABLED = 0,
	MEMBER_DRAIN = 1,    /* its flows go on, no new ones, persistence not honoured */
	MEMBER_DISABLED = 2, /* as drain, and its flows are ended */
};

struct map_member {
	__u32 flags;    /* MEMBER_F_… */
	__u32 nexthop;  /* index into shunt_nexthops */
	__be32 addr[4]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;    /* 0: the port of the vip that the client asked for */
	__u8 health;    /* enum member_health */
	__u8 admin;     /* enum member_admin */
	__u32 pool;     /* pool id */
	__u32 backend;  /* id of the server; members of several pools share it */
	__u32 weight;
	__u32 since; /* seconds since the epoch of the last change of health or admin */
	char name[SHUNT_NAME_MAX]; /* of the backend */
};
MAP_LAYOUT(struct map_member, 76);

#define NEXTHOP_F_RESOLVED 1u

struct map_nexthop {
	__u32 flags;    /* NEXTHOP_F_… */
	__u32 ifindex;  /* where to send */
	__u8 dst[6];    /* the neighbour */
	__u8 src[6];    /* ours on that interface */
	__be32 addr[4]; /* the destination that was resolved, for shunt show */
};
MAP_LAYOUT(struct map_nexthop, 36);

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MEMBERS_MAX);
	__type(key, __u32);
	__type(value, struct map_member);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags,
	       BPF_F_MMAPABLE); /* the sweeper takes flows off with an atomic of its own */
	__uint(max_entries, MEMBERS_MAX);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_active SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NEXTHOPS_MAX);
	__type(key, __u32);
	__type(value, struct map_nexthop);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shunt_nexthops SEC(".maps");
#endif

#endif
