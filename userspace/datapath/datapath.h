/* The kernel plane as userspace sees it: load or adopt, attach, write maps, keep next hops fresh, sweep flows.
 * Used by control only (one thread). Nothing here stops the packets when the process ends. */
#ifndef SHUNT_DATAPATH_DATAPATH_H
#define SHUNT_DATAPATH_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/diag.h"
#include "maps/iface.h"
#include "maps/member.h"
#include "maps/settings.h"
#include "model/model.h"

struct datapath;

struct member_state; /* balance/balance.h: health and admin of one member */

/* Builds a pool's ring (balance_ring): datapath/ does not know how to balance. */
typedef size_t (*ring_fn)(const struct pool *pool, const struct member_state *states, uint32_t *ring, size_t size);

struct datapath_options {
	const char *pin_dir; /* a folder on a bpffs (mounted if it is under /sys/fs/bpf and is not); maps are pinned in
	                        <pin_dir>/<SHUNT_ABI>/, links in <pin_dir>/<SHUNT_ABI>/links/ */
	ring_fn ring;
};

/* Load the programs, create the pinned maps or adopt those already there. generation gives the sizes of new maps (limits,
 * ranges needed). Adopted maps keep their sizes; too small ones are an error that says which limit and how to go on. */
int datapath_open(const struct datapath_options *options, const struct generation *generation, struct diag *diag,
                  struct datapath **ret_dp) _must_check_;
/* Let go; pins, links, flows stay. */
struct datapath *datapath_close(struct datapath *dp);
/* Remove every pin, link and filter under pin_dir: the kernel plane ends. Works without a datapath being open. */
int datapath_unload(const char *pin_dir, struct diag *diag) _must_check_;

/* True when maps were adopted from an earlier run. */
bool datapath_adopted(const struct datapath *dp);

/* What a change would do or did. */
struct datapath_changes {
	unsigned vips_added, vips_removed, vips_changed;
	unsigned pools_added, pools_removed, pools_changed;
	unsigned members_added, members_removed, members_changed;
	unsigned interfaces_attached, interfaces_detached;
};

/* The health and admin state a member had in adopted maps, matched by pool and backend name; MEMBER_UNKNOWN and
 * MEMBER_ENABLED when it is new. Call after datapath_open, before datapath_apply. */
void datapath_member_state(const struct datapath *dp, const struct member *member, uint8_t *ret_health, uint8_t *ret_admin);

/* Is there room for this generation (ids, ranges, snat addresses, interfaces exist)? Changes nothing. */
int datapath_check(const struct datapath *dp, const struct generation *generation, struct diag *diag) _must_check_;
/* Make the maps say what generation says: what is pointed to first, pointers next, removals last, so that every state in
 * between is consistent. Ids of things with the same name stay. states is by member index. generation must live until the next apply or close.
 * dry_run: count only. */
int datapath_apply(struct datapath *dp, const struct generation *generation, const struct member_state *states,
                   bool dry_run, struct diag *diag, struct datapath_changes *ret_changes) _must_check_;
/* One member changed: write it and swap its pool's ring. ring holds generation member indexes. */
int datapath_member(struct datapath *dp, const struct member *member, uint8_t health, uint8_t admin) _must_check_;
int datapath_ring(struct datapath *dp, const struct pool *pool, const uint32_t *ring, size_t n) _must_check_;

/* Interfaces: attach what the generation names, as its attach mode says; *ret_mode and why (a static or arena string
 * owned by dp: "native", "tc: driver has no XDP (EOPNOTSUPP)"). Called by datapath_apply; here for shunt show. */
int datapath_attachment(const struct datapath *dp, const char *ifname, enum iface_mode *ret_mode, const char **ret_why);

/* Next hops. fd to watch for EPOLLIN (netlink notifications of neighbours, routes, links, addresses); call
 * datapath_netlink_ready() then. */
int datapath_netlink_fd(const struct datapath *dp);
void datapath_netlink_ready(struct datapath *dp);
/* Ask again for next hops that are unresolved or stale; call about once a second. Returns how many are unresolved. */
unsigned datapath_nexthops_refresh(struct datapath *dp);

/* Take apart flows that are over: looks at up to budget slots from where it stopped last time, returns how many flows it
 * freed. Also removes expired persistence. The ACTIVE counters stay exact. */
size_t datapath_sweep(struct datapath *dp, size_t budget);
/* End every flow of one member (after disable). Returns how many. */
size_t datapath_kill_member(struct datapath *dp, const struct member *member);

#endif
