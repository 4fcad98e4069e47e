/* A change's walk: the generation in force, the state of every member, and how both reach the kernel plane. Control owns
 * one; nothing else writes maps. */
#ifndef SHUNT_PLAN_PLAN_H
#define SHUNT_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "balance/balance.h"
#include "base/diag.h"
#include "datapath/datapath.h"
#include "model/model.h"

struct plan {
	struct datapath *dp;
	struct generation *current;   /* owned */
	struct member_state *states;  /* by member index of current; owned */
};

/* What a change means, for `shunt reload` and its dry run. */
struct plan_changes {
	struct datapath_changes kernel;
	unsigned monitors_added, monitors_removed, monitors_changed;
	unsigned proxy_vips_changed; /* routes, certificates, time-outs */
};

/* First start: open or adopt the kernel plane, take over member states from adopted maps (members without monitors are
 * up), apply. Takes ownership of first on success. */
int plan_start(struct plan *plan, struct generation *first, const char *pin_dir, struct diag *diag) _must_check_;
/* Go to the next generation: states follow by pool and backend name. Takes ownership of next on success (the old one is
 * handed back in *ret_old for the caller to free when nobody uses it). On failure, or with dry_run, nothing changes and next
 * stays the caller's. */
int plan_reload(struct plan *plan, struct generation *next, bool dry_run, struct diag *diag,
                struct plan_changes *ret_changes, struct generation **ret_old) _must_check_;
/* A member's health or admin state, by member index. Returns 1 when it changed something, 0 when not, else negative errno. */
int plan_health(struct plan *plan, uint32_t member, enum member_health health) _must_check_;
int plan_admin(struct plan *plan, uint32_t member, enum member_admin admin) _must_check_;
/* "generation 42: +1 vip, ~2 backends" or "generation 42: no change". Heap string, caller frees; NULL when out of memory. */
char *plan_changes_text(uint64_t number, const struct plan_changes *changes);
/* Close the datapath (pins stay) and free generation and states. */
void plan_done(struct plan *plan);

#endif
