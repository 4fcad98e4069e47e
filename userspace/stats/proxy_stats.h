/* The proxy's counters: shared memory that control creates and keeps, so that they outlive a crash of the proxy. Each worker
 * adds to its own block without atomics being contended; control adds the blocks up. */
#ifndef SHUNT_STATS_PROXY_STATS_H
#define SHUNT_STATS_PROXY_STATS_H

#include <stdint.h>
#include "base/cleanup.h"

#define STATS_WORKERS_MAX 64
#define STATS_VIPS_MAX    256  /* by vip index of the generation in use; more share the last one */
#define STATS_MEMBERS_MAX 1024

struct vip_counters {
	uint64_t connections;
	uint64_t requests;
	uint64_t status[6]; /* [1] 1xx … [5] 5xx; [0] closed without an answer */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t handshakes_failed;
};

struct member_counters {
	uint64_t requests;
	uint64_t connects;
	uint64_t connect_failures;
	uint64_t failures; /* no complete answer */
	uint64_t retries;
	uint64_t bytes_in; /* from clients to it */
	uint64_t bytes_out;
};

struct worker_counters {
	uint64_t open_connections; /* gauge */
	uint64_t idle_backends;    /* gauge: pooled connections */
	uint64_t accept_failures;
	struct vip_counters vips[STATS_VIPS_MAX];
	struct member_counters members[STATS_MEMBERS_MAX];
} __attribute__((aligned(64)));

struct proxy_stats {
	struct worker_counters workers[STATS_WORKERS_MAX];
};

/* A new memory file of the right size (sparse: untouched pages cost nothing); the caller owns *ret_fd. */
int proxy_stats_create(int *ret_fd) _must_check_;
/* Map it (read and write); valid until proxy_stats_unmap. */
int proxy_stats_map(int fd, struct proxy_stats **ret_stats) _must_check_;
void proxy_stats_unmap(struct proxy_stats *stats);
/* Sums over all workers. */
void proxy_stats_vip(const struct proxy_stats *stats, uint32_t vip, struct vip_counters *ret_sum);
void proxy_stats_member(const struct proxy_stats *stats, uint32_t member, struct member_counters *ret_sum);

#endif
