/* The processes of the roles: start, restart with back-off, talk, stop. Used by control only. */
#ifndef SHUNT_AGENT_SUPERVISE_H
#define SHUNT_AGENT_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "agent/backoff.h"
#include "agent/role.h"
#include "ipc/ipc.h"
#include "loop/loop.h"

enum proc_state {
	PROC_NONE,     /* not started yet, or ended for good */
	PROC_STARTING, /* it runs, but has not answered its first generation */
	PROC_READY,
	PROC_REFUSED, /* it could not use the generation */
	PROC_WAITING, /* dead; it will be started again */
	PROC_STOPPING,
};

#define EXIT_TEXT_MAX 64

struct proc {
	enum role role;
	const char *user;
	struct role_start start;
	struct loop *loop;
	void *owner;
	/* It was (re)started: send it everything. */
	void (*on_start)(struct proc *proc);
	void (*on_message)(struct proc *proc, struct ipc_message *message);
	/* It ended while stopping. */
	void (*on_stopped)(struct proc *proc);

	enum proc_state state;
	pid_t pid;
	uint64_t started_ms;
	uint64_t restart_ms; /* of the next start */
	unsigned restarts;
	uint64_t generation; /* that it uses */
	uint64_t refused;    /* that it refused last, … */
	char refusal[512];   /* … and why */
	char last_exit[EXIT_TEXT_MAX];
	struct backoff backoff;
	struct watch watch; /* our end of the pair: watch.fd */
	struct timer timer; /* the next start, or the end of its grace */
	struct ipc_message message;
};

/* The first start, or one after back-off. What fails is logged and tried again later. */
void proc_start(struct proc *proc);
/* A child ended (SIGCHLD): is it this one? Then take note and plan its restart. */
void proc_reap(struct proc *proc);
/* Send one message; a role that does not read for a second is killed (and restarted). */
int proc_send(struct proc *proc, enum ipc_type type, const void *bytes, size_t len, const int *fds,
              size_t n_fds);
static inline bool proc_alive(const struct proc *proc)
{
	return proc->pid > 0 && proc->watch.loop != NULL;
}
/* Receive one message if there is one within timeout_ms and hand it to on_message: -ETIME, -ECONNRESET or 0. */
int proc_pump(struct proc *proc, int timeout_ms) _must_check_;
/* Ask it to finish; SIGKILL after grace_ms. on_stopped is called when it has ended (at once if it does not run). */
void proc_stop(struct proc *proc, uint64_t grace_ms);
void proc_kill(struct proc *proc, const char *why);

const char *proc_state_word(enum proc_state state);
/* "killed by SIGKILL", "exit status 1". */
void proc_exit_text(int status, char text[EXIT_TEXT_MAX]);

#endif
