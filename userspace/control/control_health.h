/* The health table: what every monitor of every member said last, and what follows for the member. Control owns one for
 * the generation in force; verdicts come from a role that may have been taken over, so each one is checked. */
#ifndef SHUNT_CONTROL_HEALTH_H
#define SHUNT_CONTROL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include "ipc/ipc.h"
#include "maps/member.h"
#include "model/model.h"

#define HEALTH_HISTORY 8

struct health_event {
	int64_t at;
	uint8_t health;
	uint8_t stage;
	char text[VERDICT_TEXT_MAX];
};

struct health_failure {
	int64_t at; /* 0: never */
	uint8_t stage;
	char text[VERDICT_TEXT_MAX];
	char excerpt[VERDICT_EXCERPT_MAX];
};

/* One monitor of one member. */
struct health_cell {
	uint8_t health; /* enum member_health, of this monitor */
	int64_t since;  /* of its last change; 0: never */
	uint64_t probes;
	uint64_t failures;
	int64_t last_at; /* 0: not probed yet */
	struct ipc_verdict last;
	struct health_failure failed;
	struct health_event history[HEALTH_HISTORY]; /* oldest first */
	unsigned n_history;
};

struct health;

/* A table for generation (borrowed: it must outlive the table). What an older table knew about the same pool, backend
 * and monitor names is kept; old may be NULL. */
int health_new(const struct generation *generation, const struct health *old,
               struct health **ret_health) _must_check_;
struct health *health_free(struct health *health);

/* Take a verdict in. 1: this monitor's health changed; 0: it did not; -ESTALE: of another generation, ignored; -EPROTO:
 * not a verdict that the monitor role may give. */
int health_verdict(struct health *health, const struct ipc_verdict *verdict, int64_t now)
	_must_check_;
/* What follows for a member: down when one monitor says so, up when all say so, else what it was (held). Without
 * monitors it is up. */
enum member_health health_of(const struct health *health, uint32_t member, enum member_health held);

/* The cell of a member's monitor, by its place in pool->monitors. */
const struct health_cell *health_cell(const struct health *health, uint32_t member, size_t monitor);
/* The last change of a member's health or admin state that control made. */
void health_touch(struct health *health, uint32_t member, int64_t now);
int64_t health_since(const struct health *health, uint32_t member);

const char *member_health_word(uint8_t health);
const char *member_admin_word(uint8_t admin);

#endif
