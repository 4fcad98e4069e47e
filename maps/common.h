/* What every map header needs: kernel types on both sides of the contract, layout checks, the schema version.
 * `__bpf__` is defined by clang's BPF target: map definitions are visible there only. */
#ifndef SHUNT_MAPS_COMMON_H
#define SHUNT_MAPS_COMMON_H

#include <linux/types.h>

/* The layout of all maps together. Any change of a key, a value or a meaning gets a new number: pins live in
 * <bpffs>/shunt/<SHUNT_ABI>/, so that a new layout never meets an old pin. */
#define SHUNT_ABI 1

#define SHUNT_NAME_MAX 32 /* a name from the configuration, with its NUL */

#define MAP_LAYOUT(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), #type " has padding or moved")

/* Sizes that the program is built with. Flows, ranges and slots are sized when the maps are created. */
#define VIPS_MAX      16384 /* vip ids; (address, port) pairs are four times as many */
#define VIP_PORTS_MAX 65536
#define POOLS_MAX     4096
#define MEMBERS_MAX   16384
#define NEXTHOPS_MAX  16384
#define SNATS_MAX     16
#define IFACES_MAX    65536 /* interface indexes above are refused */
#define RING_MAX      1024  /* entries of one pool's ring */

#endif
