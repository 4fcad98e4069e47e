/* From what a monitor said to the kernel plane, the proxy and the log. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "agent/agent.h"
#include "base/log.h"

static const char *where(const struct member *member, const struct monitor *monitor,
                         char text[ADDR_PORT_MAX])
{
	uint16_t port = member->port != 0 ? member->port : member->probe_port;

	if (monitor != NULL && monitor->port != 0)
		port = monitor->port;
	return addr_port_format(&member->backend->addr, port, text);
}

static void log_pool(const struct agent *agent, const struct pool *pool, enum pool_health was)
{
	enum pool_health is = balance_pool_health(pool, agent->plan.states);
	size_t usable = control_usable(&agent->control, pool);

	if (is == was)
		return;
	/* POOL_UP < POOL_PARTIAL < POOL_DOWN: worse is a warning. */
	log_write(is > was ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
	          "pool %s is %s: %zu of %zu backends can be chosen", pool->name,
	          pool_health_word(is), usable, pool->n_members);
}

/* Write what follows for a member; true when its health changed. */
static bool settle(struct agent *agent, uint32_t index)
{
	const struct member *member = &agent->plan.current->members[index];
	enum member_health held = agent->plan.states[index].health;
	enum member_health health = health_of(agent->control.health, index, held);
	enum pool_health was = balance_pool_health(member->pool, agent->plan.states);
	int r;

	if (health == held)
		return false;
	r = plan_health(&agent->plan, index, health);
	if (r < 0)
		log_error("cannot write that backend %s of pool %s is %s: %s",
		          member->backend->name, member->pool->name, member_health_word(health),
		          strerror(-r));
	if (r <= 0)
		return false;
	health_touch(agent->control.health, index, time(NULL));
	publish_member(agent, index);
	log_pool(agent, member->pool, was);
	return true;
}

void verdicts_settle(struct agent *agent)
{
	for (size_t i = 0; i < agent->plan.current->n_members; i++)
		settle(agent, (uint32_t)i);
}

static const struct health_cell *find_cell(const struct agent *agent, const struct member *member,
                                           const struct monitor *monitor)
{
	for (size_t i = 0; i < member->pool->n_monitors; i++)
		if (member->pool->monitors[i] == monitor)
			return health_cell(agent->control.health, member->index, i);
	return NULL;
}

/* One line a change of a monitor's mind: who, what, at which stage, why, and what the backend said. */
static void log_verdict(const struct agent *agent, const struct ipc_verdict *verdict)
{
	const struct generation *generation = agent->plan.current;
	const struct member *member = &generation->members[verdict->member];
	const struct monitor *monitor = &generation->monitors[verdict->monitor];
	const struct health_cell *cell = find_cell(agent, member, monitor);
	uint8_t held = agent->plan.states[verdict->member].health;
	enum member_health health = health_of(agent->control.health, verdict->member, held);
	bool quoted = cell != NULL && cell->last.excerpt[0] != '\0';
	char at[ADDR_PORT_MAX];

	if (cell == NULL)
		return;
	where(member, monitor, at);
	if (cell->health == MEMBER_DOWN)
		log_notice("pool %s: backend %s (%s) is down: monitor %s failed at %s: %s%s%s%s",
		           member->pool->name, member->backend->name, at, monitor->name,
		           probe_stage_word(verdict->stage), cell->last.text, quoted ? " [" : "",
		           cell->last.excerpt, quoted ? "]" : "");
	else if (health == MEMBER_UP)
		log_notice("pool %s: backend %s (%s) is up: monitor %s succeeded in %u.%u ms",
		           member->pool->name, member->backend->name, at, monitor->name,
		           verdict->took_us / 1000, verdict->took_us % 1000 / 100);
	else
		log_notice("pool %s: backend %s (%s): monitor %s is up, others are not yet: it "
		           "stays %s",
		           member->pool->name, member->backend->name, at, monitor->name,
		           member_health_word(health));
}

static void take_verdict(struct agent *agent, struct proc *proc, const struct ipc_message *message)
{
	struct ipc_verdict verdict;
	int r = -EPROTO;

	if (message->len == sizeof(verdict) && message->n_fds == 0) {
		memcpy(&verdict, message->bytes, sizeof(verdict));
		r = health_verdict(agent->control.health, &verdict, time(NULL));
	}
	if (r == -EPROTO) {
		proc_kill(proc, "it sent a verdict that makes no sense");
		return;
	}
	if (r <= 0)
		return;
	log_verdict(agent, &verdict);
	settle(agent, verdict.member);
}

static void tell_ready(struct agent *agent, struct proc *proc, uint64_t number)
{
	if (proc->state == PROC_STARTING || proc->state == PROC_REFUSED)
		proc->state = PROC_READY;
	proc->generation = number;
	log_debug("role %s uses generation %llu", role_name(proc->role),
	          (unsigned long long)number);
	/* It may have changed while the generation was under way. */
	if (proc->role == ROLE_proxy && number == agent->plan.current->number)
		(void)publish_members(proc, agent->plan.current, agent->plan.states);
}

static void tell_refused(struct proc *proc, const struct ipc_message *message, uint64_t number)
{
	const char *text = (const char *)message->bytes + sizeof(struct ipc_ready);
	int len = (int)(message->len - sizeof(struct ipc_ready));

	/* One line of plain text a reason; the last newline is of no use. */
	while (len > 0 && text[len - 1] == '\n')
		len--;
	proc->refused = number;
	snprintf(proc->refusal, sizeof(proc->refusal), "%.*s", len, text);
	if (proc->state == PROC_STARTING)
		proc->state = PROC_REFUSED;
	log_error("role %s cannot use generation %llu: %s", role_name(proc->role),
	          (unsigned long long)number, proc->refusal);
}

void verdicts_message(struct proc *proc, struct ipc_message *message)
{
	struct agent *agent = proc->owner;
	uint64_t number = message->bytes[0];

	if (message->type == IPC_READY && message->len == sizeof(struct ipc_ready))
		tell_ready(agent, proc, number);
	else if (message->type == IPC_REFUSED && message->len >= sizeof(struct ipc_ready))
		tell_refused(proc, message, number);
	else if (message->type == IPC_VERDICT && proc->role == ROLE_monitor)
		take_verdict(agent, proc, message);
	else
		proc_kill(proc, "it sent a message that it may not send");
}

int verdicts_admin(struct agent *agent, uint32_t index, enum member_admin admin, size_t *ret_ended)
{
	const struct member *member = &agent->plan.current->members[index];
	enum pool_health was = balance_pool_health(member->pool, agent->plan.states);
	size_t ended = 0;
	int r = plan_admin(&agent->plan, index, admin);

	if (r < 0)
		return r;
	if (r > 0) {
		health_touch(agent->control.health, index, time(NULL));
		publish_member(agent, index);
		log_notice("pool %s: backend %s is now %s", member->pool->name,
		           member->backend->name, member_admin_word(admin));
		log_pool(agent, member->pool, was);
	}
	if (admin == MEMBER_DISABLED)
		ended = datapath_kill_member(agent->plan.dp, member);
	*ret_ended = ended;
	return 0;
}
