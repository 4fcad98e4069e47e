/* What the verbs of the control socket see of control, and what they may ask it to do. The agent fills one struct control
 * and keeps its pointers current; verbs change nothing but through control_ops. */
#ifndef SHUNT_CONTROL_CONTROL_H
#define SHUNT_CONTROL_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/diag.h"
#include "control/control_counters.h"
#include "control/control_health.h"
#include "control/protocol.h"
#include "plan/plan.h"

/* One role as `shunt show` tells it. */
struct control_role {
	const char *name;
	const char *state; /* "starting", "ready", "refused", "waiting", "stopping" */
	pid_t pid;         /* 0: none */
	uint64_t uptime_ms;
	unsigned restarts;
	uint64_t generation;   /* 0: none yet */
	const char *last_exit; /* NULL: it never ended */
	uint32_t next_start_ms;
};

struct control_ops {
	/* Role i; false when there are no more. */
	bool (*role)(void *owner, size_t i, struct control_role *ret_role);
	/* Read the configuration again. -EINVAL: it is wrong; other errors: it could not be applied; diag says why. */
	int (*reload)(void *owner, bool dry_run, struct diag *diag,
	              struct plan_changes *ret_changes);
	/* A member's admin state, for both planes; *ret_ended: flows that were ended. */
	int (*admin)(void *owner, uint32_t member, enum member_admin admin, size_t *ret_ended);
};

struct control {
	const struct control_ops *ops;
	void *owner;
	struct plan *plan;
	struct health *health;
	struct counters *counters;
	const struct proxy_stats *stats;
	const char *config;
	const char *run_dir;
	const char *pin_dir;
	int64_t started;
	uint64_t started_ms;
	unsigned workers;
	unsigned nexthops_unresolved;
	int64_t reload_at; /* 0: there was none */
	bool reload_ok;
	char *reload_text; /* owned by the agent */
};

/* What goes back. A verb sets result, or fails with control_fail(). */
struct answer {
	enum control_code code;
	json_t *result; /* owned */
	char *error;    /* owned */
};

/* One verb: verb_<name>.c */
#define CONTROL_VERB(name, arguments, text) \
	void verb_##name(struct control *control, const json_t *request, struct answer *answer);
#include "control/verbs.def"
#undef CONTROL_VERB

/* An argument that a verb takes. */
struct argument {
	const char *key;
	json_type type; /* JSON_STRING, or JSON_TRUE for a boolean */
	bool required;
};

/* Are the arguments of a request of the right kind, and is there no other? If not, answer is filled. */
bool control_arguments(const json_t *request, const struct argument *arguments, size_t n,
                       struct answer *answer);
void control_fail(struct answer *answer, enum control_code code, const char *fmt, ...)
	_printf_(3, 4);

/* One request (without its newline) to one answer: a heap string that ends in a newline; NULL when out of memory. */
char *control_answer(struct control *control, const char *request, size_t len);

/* JSON of a time in seconds since the epoch: null for 0. */
json_t *control_time(int64_t at);
/* How many members of a pool may be chosen. */
size_t control_usable(const struct control *control, const struct pool *pool);
enum pool_health control_pool_health(const struct control *control, const struct pool *pool);
/* The pools of a vip, each once, in the order of its routes; pools holds at least generation->n_pools entries. */
size_t control_vip_pools(const struct generation *generation, const struct vip *vip,
                         const struct pool **pools);

#endif
