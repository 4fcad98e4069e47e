/* control: start, the loop, clean stop. Everything that can fail at start is tried before anything is changed. */
#include <errno.h>
#include <signal.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include "agent/agent.h"
#include "agent/notify.h"
#include "agent/rundir.h"
#include "agent/sandbox.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"

#define DESCRIPTORS     262144
#define NEXTHOPS_MS     1000
#define SWEEP_MS        100
#define SWEEP_ROUND_MS  5000 /* in which every slot is looked at once */
#define SWEEP_LEAST     4096 /* slots a time: flows of an earlier configuration end, too */
#define READY_LATEST_MS 5000
#define GRACE_PROXY_MS  11000 /* it gives itself 10 s */
#define GRACE_OTHERS_MS 2000

/* ---- what the verbs see ---- */

static bool control_role_status(void *owner, size_t i, struct control_role *ret_role)
{
	struct agent *agent = owner;
	const struct proc *proc = &agent->procs[i < ROLES ? i : 0];
	uint64_t now = clock_ms();

	if (i >= ROLES)
		return false;
	*ret_role = (struct control_role){ .name = role_name((enum role)i) };
	if (i == ROLE_control) {
		ret_role->state = agent->stopping ? "stopping" : "ready";
		ret_role->pid = getpid();
		ret_role->uptime_ms = now - agent->control.started_ms;
		ret_role->generation = agent->plan.current->number;
		return true;
	}
	ret_role->state = proc_state_word(proc->state);
	ret_role->pid = proc->pid;
	ret_role->uptime_ms = proc->pid > 0 ? now - proc->started_ms : 0;
	ret_role->restarts = proc->restarts;
	ret_role->generation = proc->generation;
	ret_role->last_exit = proc->last_exit[0] != '\0' ? proc->last_exit : NULL;
	ret_role->next_start_ms = proc->state == PROC_WAITING && proc->restart_ms > now
	                                  ? (uint32_t)(proc->restart_ms - now)
	                                  : 0;
	return true;
}

static int control_reload(void *owner, bool dry_run, struct diag *diag,
                          struct plan_changes *ret_changes)
{
	return reload_run(owner, dry_run, diag, ret_changes);
}

static int control_admin(void *owner, uint32_t member, enum member_admin admin, size_t *ret_ended)
{
	return verdicts_admin(owner, member, admin, ret_ended);
}

static const struct control_ops OPS = {
	.role = control_role_status,
	.reload = control_reload,
	.admin = control_admin,
};

/* ---- start ---- */

static unsigned count_workers(const struct generation *generation)
{
	unsigned workers = generation->workers;
	cpu_set_t cpus;

	if (workers == 0 && sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		workers = (unsigned)CPU_COUNT(&cpus);
	if (workers == 0)
		workers = 1;
	return workers < STATS_WORKERS_MAX ? workers : STATS_WORKERS_MAX;
}

static int check_users(const struct generation *generation, struct diag *diag)
{
	int result = 0;

	for (enum role role = 0; role < ROLES; role++) {
		const char *name = role_user(role, generation);
		struct sandbox_user user;
		int r = name != NULL ? sandbox_user(name, &user) : 0;

		if (r == -ENOENT)
			result = diag_error(diag, r, NULL,
			                    "role %s runs as user '%s', which does not exist: run "
			                    "scripts/create-users.sh as root",
			                    role_name(role), name);
		else if (r == -EPERM)
			result = diag_error(diag, r, NULL,
			                    "role %s may not run as user '%s', which is root",
			                    role_name(role), name);
		else if (r < 0)
			result = diag_error(diag, r, NULL, "cannot look user '%s' up: %s", name,
			                    strerror(-r));
	}
	return result;
}

/* Sockets of all vips and workers, and the proxy's connections: limits are inherited by the roles. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max < DESCRIPTORS) {
		struct rlimit most = { DESCRIPTORS, DESCRIPTORS };

		if (setrlimit(RLIMIT_NOFILE, &most) == 0)
			return;
	}
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_signals(struct agent *agent, watch_fn on_signal)
{
	_cleanup_(closep) int fd = -1;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	agent->signals.on_event = on_signal;
	r = watch_start(&agent->signals, agent->loop, fd, EPOLLIN);
	if (r == 0)
		TAKE_FD(fd);
	return r;
}

static void stop_done(struct proc *proc)
{
	struct agent *agent = proc->owner;

	for (enum role role = ROLE_control + 1; role < ROLES; role++)
		if (agent->procs[role].state != PROC_NONE)
			return;
	loop_stop(agent->loop);
}

static void stop(struct agent *agent)
{
	if (agent->stopping) {
		for (enum role role = ROLE_control + 1; role < ROLES; role++)
			proc_kill(&agent->procs[role], "asked twice to stop");
		return;
	}
	agent->stopping = true;
	notify("STOPPING=1\nSTATUS=finishing requests under way");
	log_notice("stopping: no new connections to proxy vips, requests under way are finished");
	agent->server = control_server_free(agent->server);
	agent->listeners = listeners_free(agent->listeners, NULL);
	for (enum role role = ROLES - 1; role > ROLE_control; role--)
		proc_stop(&agent->procs[role],
		          role == ROLE_proxy ? GRACE_PROXY_MS : GRACE_OTHERS_MS);
}

static void tell_ready(struct agent *agent)
{
	if (agent->ready_told || agent->stopping)
		return;
	agent->ready_told = true;
	timer_stop(&agent->late);
	notify("READY=1\nSTATUS=generation %llu in use",
	       (unsigned long long)agent->plan.current->number);
}

static void on_late(struct timer *timer)
{
	tell_ready(container_of(timer, struct agent, late));
}

static void on_role_message(struct proc *proc, struct ipc_message *message)
{
	struct agent *agent = proc->owner;

	verdicts_message(proc, message);
	if (agent->ready_told)
		return;
	for (enum role role = ROLE_control + 1; role < ROLES; role++)
		if (agent->procs[role].state != PROC_READY)
			return;
	tell_ready(agent);
}

static void on_signal(struct watch *watch, uint32_t events _unused_)
{
	struct agent *agent = container_of(watch, struct agent, signals);
	struct signalfd_siginfo info;

	while (agent->signals.loop != NULL &&
	       read(watch->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			reload_signal(agent);
		} else if (info.ssi_signo == SIGCHLD) {
			for (enum role role = ROLE_control + 1; role < ROLES; role++)
				proc_reap(&agent->procs[role]);
		} else {
			stop(agent);
		}
	}
}

static void on_netlink(struct watch *watch, uint32_t events _unused_)
{
	struct agent *agent = container_of(watch, struct agent, netlink);

	datapath_netlink_ready(agent->plan.dp);
}

static void on_nexthops(struct timer *timer)
{
	struct agent *agent = container_of(timer, struct agent, nexthops);

	agent->control.nexthops_unresolved = datapath_nexthops_refresh(agent->plan.dp);
	timer_arm(timer, agent->loop, NEXTHOPS_MS);
}

/* How many slots the kernel vips of a generation can use: a range for each (SNAT address, backend, port). */
static size_t count_slots(const struct generation *generation)
{
	size_t ranges = 0;

	for (size_t i = 0; i < generation->n_vips; i++) {
		const struct vip *vip = &generation->vips[i];

		if (vip->plane == PLANE_KERNEL && vip->pool != NULL)
			ranges += vip->pool->n_members * vip->n_ports * generation->n_snat;
	}
	return ranges * generation->limits.range_ports;
}

static void on_sweep(struct timer *timer)
{
	struct agent *agent = container_of(timer, struct agent, sweep);
	size_t budget = count_slots(agent->plan.current) / (SWEEP_ROUND_MS / SWEEP_MS);

	(void)datapath_sweep(agent->plan.dp, budget > SWEEP_LEAST ? budget : SWEEP_LEAST);
	timer_arm(timer, agent->loop, SWEEP_MS);
}

static int open_stats(struct agent *agent)
{
	int r = proxy_stats_create(&agent->stats_fd);

	return r < 0 ? r : proxy_stats_map(agent->stats_fd, &agent->stats);
}

/* What the verbs see; plan and tables must be there. */
static int show(struct agent *agent, const struct options *options)
{
	struct control *control = &agent->control;
	int r;

	control->ops = &OPS;
	control->owner = agent;
	control->plan = &agent->plan;
	control->stats = agent->stats;
	control->config = options->config;
	control->run_dir = options->run_dir;
	control->pin_dir = options->pin_dir;
	control->started = time(NULL);
	control->started_ms = clock_ms();
	r = health_new(agent->plan.current, NULL, &control->health);
	if (r == 0)
		r = counters_new(agent->plan.current, agent->stats, NULL, &control->counters);
	return r;
}

static void start_timers(struct agent *agent)
{
	int r;

	agent->netlink.on_event = on_netlink;
	r = watch_start(&agent->netlink, agent->loop, datapath_netlink_fd(agent->plan.dp), EPOLLIN);
	if (r < 0)
		log_error("cannot follow neighbours and routes: %s", strerror(-r));
	agent->nexthops.on_expiry = on_nexthops;
	agent->sweep.on_expiry = on_sweep;
	agent->late.on_expiry = on_late;
	timer_arm(&agent->nexthops, agent->loop, 0);
	timer_arm(&agent->sweep, agent->loop, SWEEP_MS);
	timer_arm(&agent->late, agent->loop, READY_LATEST_MS);
}

static void start_roles(struct agent *agent)
{
	for (enum role role = ROLE_control + 1; role < ROLES; role++) {
		struct proc *proc = &agent->procs[role];

		proc->role = role;
		proc->user = role_user(role, agent->plan.current);
		proc->start.workers = agent->control.workers;
		proc->start.log_level = agent->options->log_level;
		proc->loop = agent->loop;
		proc->owner = agent;
		proc->on_start = publish_start;
		proc->on_message = on_role_message;
		proc->on_stopped = stop_done;
		proc_start(proc);
	}
}

/* How each interface is attached, and where the proxy listens. */
static void say_where(const struct agent *agent)
{
	const struct generation *generation = agent->plan.current;

	for (size_t i = 0; i < generation->n_interfaces; i++) {
		enum iface_mode mode;
		const char *why = NULL;

		if (datapath_attachment(agent->plan.dp, generation->interfaces[i].name, &mode,
		                        &why) >= 0 &&
		    why != NULL)
			log_notice("interface %s: %s", generation->interfaces[i].name, why);
	}
	if (listeners_count(agent->listeners) > 0)
		log_notice("listening on %zu address%s for proxy vips, %u worker threads",
		           listeners_count(agent->listeners),
		           listeners_count(agent->listeners) == 1 ? "" : "es",
		           agent->control.workers);
}

static void say_hello(const struct agent *agent)
{
	const struct generation *g = agent->plan.current;
	size_t kernel = 0;

	for (size_t i = 0; i < g->n_vips; i++)
		kernel += g->vips[i].plane == PLANE_KERNEL;
	log_notice("shuntd " SHUNT_VERSION ": generation %llu: %zu vip%s (%zu kernel, %zu proxy), "
	           "%zu pool%s, %zu backend%s, %zu monitor%s",
	           (unsigned long long)g->number, g->n_vips, plural(g->n_vips), kernel,
	           g->n_vips - kernel, g->n_pools, plural(g->n_pools), g->n_backends,
	           plural(g->n_backends), g->n_monitors, plural(g->n_monitors));
	log_notice("kernel plane %s %s",
	           datapath_adopted(agent->plan.dp) ? "adopted from" : "loaded in",
	           agent->options->pin_dir);
	say_where(agent);
}

/* Lock, configuration, users: nothing outside this process has changed when this fails. */
static int start_check(struct agent *agent, struct diag *diag, struct generation **ret_first)
{
	_cleanup_(model_freep) struct generation *first = NULL;
	int r;

	r = rundir_lock(agent->options->run_dir, diag, &agent->lock_fd);
	if (r < 0)
		return r;
	agent->last_number = 1;
	r = reload_build(agent->options->config, agent->last_number, diag, &first);
	if (r < 0)
		return r;
	r = check_users(first, diag);
	if (r < 0)
		return r;
	*ret_first = TAKE(first);
	return 0;
}

static int start_planes(struct agent *agent, struct generation *first, struct diag *diag)
{
	const struct options *options = agent->options;
	int r;

	agent->control.workers = count_workers(first);
	r = open_stats(agent);
	if (r == 0)
		r = listeners_open(first, agent->control.workers, NULL, diag, &agent->listeners);
	if (r == 0)
		r = plan_start(&agent->plan, first, options->pin_dir, diag);
	if (r < 0) {
		model_free(first);
		return r;
	}
	r = show(agent, options);
	if (r == 0)
		r = control_server_new(agent->loop, &agent->control, diag, &agent->server);
	if (r == 0)
		r = open_signals(agent, on_signal);
	return r;
}

static int start(struct agent *agent, struct diag *diag)
{
	const struct rlimit no_core = { 0, 0 };
	struct generation *first = NULL;
	int r;

	agent->loop = loop_new();
	if (agent->loop == NULL)
		return diag_error(diag, -errno, NULL, "cannot make an event loop: %s",
		                  strerror(errno));
	raise_descriptors();
	r = start_check(agent, diag, &first);
	if (r < 0)
		return r;
	log_diag(diag);
	diag_done(diag);
	r = start_planes(agent, first, diag);
	if (r < 0)
		return r;
	/* Keys pass through here on their way to the proxy. */
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	r = sandbox_control();
	if (r == 0)
		r = role_seal(ROLE_control);
	if (r < 0)
		return diag_error(diag, r, NULL, "cannot give capabilities up: %s", strerror(-r));
	say_hello(agent);
	start_timers(agent);
	start_roles(agent);
	verdicts_settle(agent);
	return 0;
}

static void end(struct agent *agent)
{
	int signals = agent->signals.loop != NULL ? agent->signals.fd : -1;

	watch_stop(&agent->signals);
	watch_stop(&agent->netlink);
	closep(&signals);
	agent->server = control_server_free(agent->server);
	agent->listeners = listeners_free(agent->listeners, NULL);
	agent->control.health = health_free(agent->control.health);
	agent->control.counters = counters_free(agent->control.counters);
	free(agent->control.reload_text);
	if (agent->plan.dp != NULL)
		plan_done(&agent->plan);
	if (agent->stats != NULL)
		proxy_stats_unmap(agent->stats);
	closep(&agent->stats_fd);
	loop_free(agent->loop);
	closep(&agent->lock_fd);
}

int control_run(const struct options *options)
{
	static struct agent agent = { .stats_fd = -1, .lock_fd = -1 };
	struct diag diag = { 0 };
	int r, code;

	agent.options = options;
	log_init("control", options->log_level);
	r = start(&agent, &diag);
	if (r < 0 && diag.errors == 0)
		diag_error(&diag, r, NULL, "cannot start: %s", strerror(-r));
	log_diag(&diag);
	diag_done(&diag);
	code = r == -EINVAL ? CONTROL_BAD_CONFIG : CONTROL_FAILED;
	if (r == 0) {
		r = loop_run(agent.loop);
		code = r < 0 ? CONTROL_FAILED : CONTROL_OK;
		log_notice("stopped. The kernel plane stays loaded and goes on balancing; "
		           "'shuntd --unload --pin-dir %s' removes it",
		           options->pin_dir);
	}
	end(&agent);
	return code;
}
