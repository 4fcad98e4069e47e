/* What each role must know, in the order in which it must know it. */
#include <string.h>
#include "agent/agent.h"
#include "base/log.h"

static uint32_t mask_of(enum role role)
{
	switch (role) {
	case ROLE_monitor:
		return FOR_MONITOR;
	case ROLE_proxy:
		return FOR_PROXY;
	case ROLE_auth:
		return FOR_AUTH;
	default:
		return 0;
	}
}

int publish_generation(struct proc *proc, const struct generation *generation)
{
	struct ipc_generation head = { .number = generation->number };
	_cleanup_(closep) int fd = -1;
	int r;

	if (!proc_alive(proc))
		return 0;
	r = bundle_send(generation->bundle, mask_of(proc->role), &fd);
	if (r < 0) {
		log_error("cannot make the bundle of generation %llu for role %s: %s",
		          (unsigned long long)generation->number, role_name(proc->role),
		          strerror(-r));
		return r;
	}
	return proc_send(proc, IPC_GENERATION, &head, sizeof(head), &fd, 1);
}

int publish_members(struct proc *proc, const struct generation *generation,
                    const struct member_state *states)
{
	struct ipc_member batch[IPC_BYTES_MAX / sizeof(struct ipc_member)];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < generation->n_members; i++) {
		batch[n++] = (struct ipc_member){ .generation = generation->number,
			                          .member = (uint32_t)i,
			                          .health = states[i].health,
			                          .admin = states[i].admin };
		if (n < ARRAY_SIZE(batch) && i + 1 < generation->n_members)
			continue;
		r = proc_send(proc, IPC_MEMBER, batch, n * sizeof(batch[0]), NULL, 0);
		if (r < 0)
			return r;
		n = 0;
	}
	return 0;
}

void publish_member(struct agent *agent, uint32_t member)
{
	const struct member_state *state = &agent->plan.states[member];
	struct ipc_member message = { .generation = agent->plan.current->number,
		                      .member = member,
		                      .health = state->health,
		                      .admin = state->admin };

	(void)proc_send(&agent->procs[ROLE_proxy], IPC_MEMBER, &message, sizeof(message), NULL, 0);
}

static int send_listeners(void *owner, const struct ipc_listener *listeners, const int *fds,
                          size_t n)
{
	return proc_send(owner, IPC_LISTENERS, listeners, n * sizeof(*listeners), fds, n);
}

int publish_proxy(struct agent *agent, const struct generation *generation,
                  const struct listener_set *listeners, const struct member_state *states)
{
	struct proc *proxy = &agent->procs[ROLE_proxy];
	int r;

	if (!proc_alive(proxy))
		return 0;
	r = listeners_each(listeners, generation, send_listeners, proxy);
	if (r == 0)
		r = publish_generation(proxy, generation);
	if (r == 0)
		r = publish_members(proxy, generation, states);
	return r;
}

void publish_start(struct proc *proc)
{
	struct agent *agent = proc->owner;
	int r;

	if (proc->role == ROLE_proxy) {
		r = proc_send(proc, IPC_SHARED, NULL, 0, &agent->stats_fd, 1);
		if (r == 0)
			r = publish_proxy(agent, agent->plan.current, agent->listeners,
			                  agent->plan.states);
	} else {
		r = publish_generation(proc, agent->plan.current);
	}
	if (r < 0)
		proc_kill(proc, "it could not be told its configuration");
}
