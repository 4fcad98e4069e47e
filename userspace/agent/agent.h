/* Control's own state: what its files share. One a process. */
#ifndef SHUNT_AGENT_AGENT_H
#define SHUNT_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/listeners.h"
#include "agent/supervise.h"
#include "base/diag.h"
#include "control/control.h"
#include "control/control_server.h"
#include "loop/loop.h"
#include "plan/plan.h"

struct options {
	const char *config;
	const char *run_dir;
	const char *pin_dir;
	enum log_level log_level;
};

struct agent {
	const struct options *options;
	struct loop *loop;
	struct plan plan;
	struct listener_set *listeners;
	struct control
		control; /* health and counters are owned by the agent and shown through it */
	struct control_server *server;
	struct proc procs[ROLES]; /* procs[ROLE_control] is not used */
	struct proxy_stats *stats;
	int stats_fd;
	int lock_fd;
	uint64_t last_number; /* of generations that any role has seen */
	struct watch signals;
	struct watch netlink;
	struct timer nexthops;
	struct timer sweep;
	struct timer late; /* systemd is told READY by then, whatever the roles do */
	bool ready_told;
	bool stopping;
};

static inline const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* role_control.c: run until a signal says stop; the process's exit status. */
int control_run(const struct options *options);

/* publish.c: tell a role, or those that run, what they must know. A role that cannot be told is
 * killed, and told everything when it starts again: callers that go on anyway may ignore results. */
void publish_start(struct proc *proc);
int publish_proxy(struct agent *agent, const struct generation *generation,
                  const struct listener_set *listeners, const struct member_state *states);
int publish_generation(struct proc *proc, const struct generation *generation);
void publish_member(struct agent *agent, uint32_t member);
int publish_members(struct proc *proc, const struct generation *generation,
                    const struct member_state *states);

/* verdicts.c: health and admin states. */
void verdicts_message(struct proc *proc, struct ipc_message *message);
/* After a reload: what follows from what is known. */
void verdicts_settle(struct agent *agent);
int verdicts_admin(struct agent *agent, uint32_t member, enum member_admin admin,
                   size_t *ret_ended);

/* reload.c */
int reload_build(const char *config, uint64_t number, struct diag *diag,
                 struct generation **ret_generation) _must_check_;
int reload_run(struct agent *agent, bool dry_run, struct diag *diag,
               struct plan_changes *ret_changes) _must_check_;
/* SIGHUP: the same, with the outcome in the log. */
void reload_signal(struct agent *agent);
/* Every line of a diag to the log. */
void log_diag(struct diag *diag);

#endif
