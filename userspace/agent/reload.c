/* The coordinator of a change: build, check, open, ask the proxy, write the kernel plane, tell the others. Whatever
 * fails on the way leaves everything as it was. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "agent/agent.h"
#include "agent/notify.h"
#include "agent/tlscheck.h"
#include "base/clock.h"
#include "base/log.h"

#define PROXY_MS 10000

/* A change under way: what must be given back if it fails. */
struct change {
	struct agent *agent;
	struct generation *next;
	struct listener_set *listeners;
	struct health *health;
	struct counters *counters;
	struct member_state *states; /* expected by the proxy before the plan has them */
};

static void change_undo(struct change *change)
{
	listeners_free(change->listeners, change->agent->listeners);
	health_free(change->health);
	counters_free(change->counters);
	free(change->states);
	model_free(change->next);
}

int reload_build(const char *config, uint64_t number, struct diag *diag,
                 struct generation **ret_generation)
{
	_cleanup_(bundle_unrefp) struct bundle *bundle = NULL;
	_cleanup_(model_freep) struct generation *generation = NULL;
	int r;

	r = bundle_open(config, diag, &bundle);
	if (r < 0)
		return -EINVAL;
	r = model_build(bundle, number, diag, &generation);
	if (r < 0)
		return r;
	r = tls_check(generation, diag);
	if (r < 0)
		return r;
	*ret_generation = TAKE(generation);
	return 0;
}

static const struct member *same_member(const struct generation *old, const struct member *member)
{
	const struct pool *pool = model_pool(old, member->pool->name);

	for (size_t i = 0; pool != NULL && i < pool->n_members; i++)
		if (strcmp(pool->members[i].backend->name, member->backend->name) == 0)
			return &pool->members[i];
	return NULL;
}

/* What the plan will say of the members of next, for the proxy to begin with. */
static int expect_states(struct change *change)
{
	const struct generation *next = change->next;
	const struct plan *plan = &change->agent->plan;

	change->states = calloc(next->n_members + 1, sizeof(*change->states));
	if (change->states == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < next->n_members; i++) {
		const struct member *was = same_member(plan->current, &next->members[i]);

		if (was != NULL)
			change->states[i] = plan->states[was->index];
		if (next->members[i].pool->n_monitors == 0)
			change->states[i].health = MEMBER_UP;
	}
	return 0;
}

static int prepare(struct change *change, struct diag *diag)
{
	struct agent *agent = change->agent;
	int r;

	r = listeners_open(change->next, agent->control.workers, agent->listeners, diag,
	                   &change->listeners);
	if (r == 0)
		r = health_new(change->next, agent->control.health, &change->health);
	if (r == 0)
		r = counters_new(change->next, agent->stats, agent->control.counters,
		                 &change->counters);
	if (r == 0)
		r = expect_states(change);
	return r;
}

/* Send the proxy the next generation and wait for its word. A proxy that is being restarted gets it later. */
static int ask_proxy(struct change *change, struct diag *diag)
{
	struct proc *proxy = &change->agent->procs[ROLE_proxy];
	uint64_t number = change->next->number;
	uint64_t until = clock_ms() + PROXY_MS;

	if (!proc_alive(proxy))
		return 0;
	if (publish_proxy(change->agent, change->next, change->listeners, change->states) < 0)
		return diag_error(diag, -EIO, NULL,
		                  "the proxy cannot be told the new configuration");
	while (proxy->generation != number && proxy->refused != number) {
		uint64_t now = clock_ms();
		int r = now < until ? proc_pump(proxy, (int)(until - now)) : -ETIME;

		if (r == 0)
			continue;
		if (r == -ETIME)
			proc_kill(proxy, "it did not answer a new configuration in time");
		return diag_error(diag, -EIO, NULL,
		                  r == -ETIME ? "the proxy did not answer within %d s"
		                              : "the proxy ended within %d s of being asked",
		                  PROXY_MS / 1000);
	}
	if (proxy->refused == number)
		return diag_error(diag, -EIO, NULL, "the proxy refused the new configuration: %s",
		                  proxy->refusal);
	return 0;
}

/* The proxy already took what the kernel plane would not: back to the generation in force. */
static void take_back(struct agent *agent)
{
	if (publish_proxy(agent, agent->plan.current, agent->listeners, agent->plan.states) < 0)
		log_error("the proxy could not be told to go back to generation %llu",
		          (unsigned long long)agent->plan.current->number);
}

/* From here on nothing can fail. */
static void commit(struct change *change, struct generation *old)
{
	struct agent *agent = change->agent;

	listeners_free(agent->listeners, change->listeners);
	agent->listeners = TAKE(change->listeners);
	health_free(agent->control.health);
	agent->control.health = TAKE(change->health);
	counters_free(agent->control.counters);
	agent->control.counters = TAKE(change->counters);
	for (enum role role = 0; role < ROLES; role++)
		agent->procs[role].user = role_user(role, agent->plan.current);
	(void)publish_generation(&agent->procs[ROLE_monitor], agent->plan.current);
	(void)publish_generation(&agent->procs[ROLE_auth], agent->plan.current);
	if (proc_alive(&agent->procs[ROLE_proxy]))
		(void)publish_members(&agent->procs[ROLE_proxy], agent->plan.current,
		                      agent->plan.states);
	verdicts_settle(agent);
	model_free(old);
}

static int apply(struct change *change, struct diag *diag, struct plan_changes *ret_changes)
{
	struct agent *agent = change->agent;
	struct generation *old = NULL;
	int r;

	r = prepare(change, diag);
	if (r < 0)
		return r;
	agent->last_number = change->next->number;
	r = ask_proxy(change, diag);
	if (r < 0)
		return r;
	r = plan_reload(&agent->plan, change->next, false, diag, ret_changes, &old);
	if (r < 0) {
		take_back(agent);
		return r;
	}
	change->next = NULL;
	commit(change, old);
	return 0;
}

void log_diag(struct diag *diag)
{
	diag_sort(diag);
	for (size_t i = 0; i < diag->n; i++) {
		const struct diag_entry *entry = &diag->entries[i];
		enum log_level level =
			entry->level == DIAG_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;

		if (entry->place.file != NULL && entry->place.line > 0)
			log_write(level, "%s:%u:%u: %s", entry->place.file, entry->place.line,
			          entry->place.column, entry->text);
		else
			log_write(level, "%s", entry->text);
	}
}

static void warn_fixed(const struct agent *agent, const struct generation *next, struct diag *diag)
{
	if (next->workers != agent->plan.current->workers)
		diag_warn(diag, NULL,
		          "workers: the number of proxy threads changes when shuntd is restarted");
}

static void note(struct agent *agent, int r, struct diag *diag, const struct plan_changes *changes)
{
	struct control *control = &agent->control;

	free(control->reload_text);
	control->reload_at = time(NULL);
	control->reload_ok = r == 0;
	control->reload_text =
		r == 0 ? plan_changes_text(agent->plan.current->number, changes) : diag_text(diag);
	log_diag(diag);
	if (r == 0)
		log_notice("%s", control->reload_text != NULL ? control->reload_text : "reloaded");
	else
		log_error("reload failed, generation %llu goes on",
		          (unsigned long long)agent->plan.current->number);
}

static int run(struct agent *agent, bool dry_run, struct diag *diag,
               struct plan_changes *ret_changes)
{
	struct change change = { .agent = agent };
	struct generation *none = NULL;
	int r;

	r = reload_build(agent->options->config, agent->last_number + 1, diag, &change.next);
	if (r < 0)
		return r;
	warn_fixed(agent, change.next, diag);
	/* What the kernel plane cannot hold is found before anybody is asked. */
	r = plan_reload(&agent->plan, change.next, true, diag, ret_changes, &none);
	if (r == 0 && !dry_run)
		r = apply(&change, diag, ret_changes);
	change_undo(&change);
	return r;
}

int reload_run(struct agent *agent, bool dry_run, struct diag *diag,
               struct plan_changes *ret_changes)
{
	int r;

	if (agent->stopping)
		return diag_error(diag, -ESHUTDOWN, NULL, "shuntd is stopping");
	if (!dry_run)
		notify_reloading();
	r = run(agent, dry_run, diag, ret_changes);
	if (dry_run)
		return r;
	note(agent, r, diag, ret_changes);
	notify("READY=1\nSTATUS=generation %llu in use%s",
	       (unsigned long long)agent->plan.current->number,
	       r < 0 ? "; the last reload failed" : "");
	return r;
}

void reload_signal(struct agent *agent)
{
	struct plan_changes changes = { 0 };
	struct diag diag = { 0 };

	(void)!reload_run(agent, false, &diag, &changes);
	diag_done(&diag);
}
