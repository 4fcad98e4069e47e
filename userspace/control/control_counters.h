/* The proxy's counters by name. The shared memory counts by index of the generation in force, and a reload moves
 * indexes: this table carries what each vip and member had counted over to its new place. */
#ifndef SHUNT_CONTROL_COUNTERS_H
#define SHUNT_CONTROL_COUNTERS_H

#include "model/model.h"
#include "stats/proxy_stats.h"

struct counters;

/* Counters of generation and stats (both borrowed). old: those of the generation before, or NULL. */
int counters_new(const struct generation *generation, const struct proxy_stats *stats,
                 const struct counters *old, struct counters **ret_counters) _must_check_;
struct counters *counters_free(struct counters *counters);

void counters_vip(const struct counters *counters, uint32_t vip, struct vip_counters *ret_sum);
void counters_member(const struct counters *counters, uint32_t member,
                     struct member_counters *ret_sum);

#endif
