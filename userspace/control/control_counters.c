/* What is shown is the shared memory's sum plus a carry that a reload computes; all modulo 2^64, so that a carry may be
 * "negative". */
#include "control/control_counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VIP_WORDS    (sizeof(struct vip_counters) / sizeof(uint64_t))
#define MEMBER_WORDS (sizeof(struct member_counters) / sizeof(uint64_t))

union vip_sum {
	struct vip_counters counters;
	uint64_t words[VIP_WORDS];
};

union member_sum {
	struct member_counters counters;
	uint64_t words[MEMBER_WORDS];
};

struct counters {
	const struct generation *generation;
	const struct proxy_stats *stats;
	union vip_sum *vip_carry;       /* by vip index */
	union member_sum *member_carry; /* by member index */
};

static uint32_t least(uint32_t index, uint32_t size)
{
	return index < size ? index : size - 1;
}

static void raw_vip(const struct proxy_stats *stats, uint32_t vip, union vip_sum *ret_sum)
{
	memset(ret_sum, 0, sizeof(*ret_sum));
	proxy_stats_vip(stats, least(vip, STATS_VIPS_MAX), &ret_sum->counters);
}

static void raw_member(const struct proxy_stats *stats, uint32_t member, union member_sum *ret_sum)
{
	memset(ret_sum, 0, sizeof(*ret_sum));
	proxy_stats_member(stats, least(member, STATS_MEMBERS_MAX), &ret_sum->counters);
}

/* carry = what was shown before − what the new place holds now */
static void carry_vip(struct counters *counters, const struct counters *old, const struct vip *vip)
{
	const struct vip *was = model_vip(old->generation, vip->name);
	union vip_sum shown = { 0 }, now;

	/* The last place is shared: nobody owns what it counts. */
	if (vip->index >= STATS_VIPS_MAX - 1)
		return;
	raw_vip(counters->stats, vip->index, &now);
	if (was != NULL)
		counters_vip(old, was->index, &shown.counters);
	for (size_t i = 0; i < VIP_WORDS; i++)
		counters->vip_carry[vip->index].words[i] = shown.words[i] - now.words[i];
}

static const struct member *member_before(const struct counters *old, const struct member *member)
{
	const struct pool *pool = model_pool(old->generation, member->pool->name);

	for (size_t i = 0; pool != NULL && i < pool->n_members; i++)
		if (strcmp(pool->members[i].backend->name, member->backend->name) == 0)
			return &pool->members[i];
	return NULL;
}

static void carry_member(struct counters *counters, const struct counters *old,
                         const struct member *member)
{
	const struct member *was = member_before(old, member);
	union member_sum shown = { 0 }, now;

	if (member->index >= STATS_MEMBERS_MAX - 1)
		return;
	raw_member(counters->stats, member->index, &now);
	if (was != NULL)
		counters_member(old, was->index, &shown.counters);
	for (size_t i = 0; i < MEMBER_WORDS; i++)
		counters->member_carry[member->index].words[i] = shown.words[i] - now.words[i];
}

int counters_new(const struct generation *generation, const struct proxy_stats *stats,
                 const struct counters *old, struct counters **ret_counters)
{
	struct counters *counters = calloc(1, sizeof(*counters));

	if (counters == NULL)
		return -ENOMEM;
	counters->generation = generation;
	counters->stats = stats;
	counters->vip_carry = calloc(generation->n_vips + 1, sizeof(*counters->vip_carry));
	counters->member_carry = calloc(generation->n_members + 1, sizeof(*counters->member_carry));
	if (counters->vip_carry == NULL || counters->member_carry == NULL) {
		counters_free(counters);
		return -ENOMEM;
	}
	for (size_t i = 0; old != NULL && i < generation->n_vips; i++)
		carry_vip(counters, old, &generation->vips[i]);
	for (size_t i = 0; old != NULL && i < generation->n_members; i++)
		carry_member(counters, old, &generation->members[i]);
	*ret_counters = counters;
	return 0;
}

struct counters *counters_free(struct counters *counters)
{
	if (counters == NULL)
		return NULL;
	free(counters->vip_carry);
	free(counters->member_carry);
	free(counters);
	return NULL;
}

void counters_vip(const struct counters *counters, uint32_t vip, struct vip_counters *ret_sum)
{
	union vip_sum sum;

	raw_vip(counters->stats, vip, &sum);
	for (size_t i = 0; i < VIP_WORDS; i++)
		sum.words[i] += counters->vip_carry[vip].words[i];
	*ret_sum = sum.counters;
}

void counters_member(const struct counters *counters, uint32_t member,
                     struct member_counters *ret_sum)
{
	union member_sum sum;

	raw_member(counters->stats, member, &sum);
	for (size_t i = 0; i < MEMBER_WORDS; i++)
		sum.words[i] += counters->member_carry[member].words[i];
	*ret_sum = sum.counters;
}
