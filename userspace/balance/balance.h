/* Who may be chosen: rings for the kernel plane, choices for the proxy. Pure functions of a pool and the states of its
 * members. */
#ifndef SHUNT_BALANCE_BALANCE_H
#define SHUNT_BALANCE_BALANCE_H

#include <stdbool.h>
#include <stdint.h>
#include "maps/common.h"
#include "maps/member.h"
#include "model/model.h"

/* The state of every member of a generation, by member index. */
struct member_state {
	uint8_t health; /* enum member_health */
	uint8_t admin;  /* enum member_admin */
};

/* May this member get new flows or requests? */
static inline bool member_usable(const struct member_state *state)
{
	return state->health == MEMBER_UP && state->admin == MEMBER_ENABLED;
}

/* UP: all enabled members up; PARTIAL: some; DOWN: none (N34). */
enum pool_health {
	POOL_UP,
	POOL_PARTIAL,
	POOL_DOWN,
};
enum pool_health balance_pool_health(const struct pool *pool, const struct member_state *states);
const char *pool_health_word(enum pool_health health); /* "up", "partial", "down" */

/* Fill ring with member indexes (of the generation), each as often as its weight says (weights are divided by their greatest
 * common divisor and scaled to fit), spread evenly (smooth weighted round robin). Returns the number of entries, 0 when
 * nobody is usable; at most size. */
size_t balance_ring(const struct pool *pool, const struct member_state *states, uint32_t *ring, size_t size);

#endif
