/* One struct proc a role; the child drops its rights before it executes the same binary again. */
#include "agent/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "agent/sandbox.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"

#define SEND_WAIT_MS 1000

const char *proc_state_word(enum proc_state state)
{
	static const char *const WORDS[] = {
		[PROC_NONE] = "none",       [PROC_STARTING] = "starting",
		[PROC_READY] = "ready",     [PROC_REFUSED] = "refused",
		[PROC_WAITING] = "waiting", [PROC_STOPPING] = "stopping",
	};

	return WORDS[state];
}

void proc_exit_text(int status, char text[EXIT_TEXT_MAX])
{
	const char *name;

	if (!WIFSIGNALED(status)) {
		snprintf(text, EXIT_TEXT_MAX, "exit status %d", WEXITSTATUS(status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	if (name != NULL)
		snprintf(text, EXIT_TEXT_MAX, "killed by SIG%s", name);
	else
		snprintf(text, EXIT_TEXT_MAX, "killed by signal %d", WTERMSIG(status));
}

/* ---- in the child, between fork and exec ---- */

static void child_signals(void)
{
	static const int CONTROLS[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	sigset_t none;

	/* A role ends when control says so: a terminal's ^C and systemd's SIGTERM reach all processes at once. */
	for (size_t i = 0; i < ARRAY_SIZE(CONTROLS); i++)
		signal(CONTROLS[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int child_descriptors(int fd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -errno;
	if (fd == ROLE_SOCKET && fcntl(fd, F_SETFD, 0) < 0)
		return -errno;
	if (fd != ROLE_SOCKET && dup2(fd, ROLE_SOCKET) < 0)
		return -errno;
	if (close_range(ROLE_SOCKET + 1, ~0u, 0) < 0)
		return -errno;
	return 0;
}

/* Nothing of control's environment but what these name. */
static void child_environment(char **environment, size_t size)
{
	static const char *const PASSED[] = { "JOURNAL_STREAM", "TZ",           "SSL_CERT_FILE",
		                              "SSL_CERT_DIR",   "ASAN_OPTIONS", "UBSAN_OPTIONS" };
	size_t n = 0;

	for (char **e = environ; *e != NULL; e++)
		for (size_t i = 0; i < ARRAY_SIZE(PASSED); i++) {
			size_t len = strlen(PASSED[i]);

			if (strncmp(*e, PASSED[i], len) == 0 && (*e)[len] == '=' && n + 1 < size)
				environment[n++] = *e;
		}
	environment[n] = NULL;
}

static _Noreturn void child(const struct proc *proc, const struct sandbox_user *user, int fd)
{
	char workers[16], level[16], program[] = "shuntd", role_option[] = "--role";
	char workers_option[] = "--workers", level_option[] = "--log-level", role[32];
	char *const arguments[] = { program, role_option,  role,  workers_option,
		                    workers, level_option, level, NULL };
	char *environment[16];
	int r;

	snprintf(role, sizeof(role), "%s", role_name(proc->role));
	snprintf(workers, sizeof(workers), "%u", proc->start.workers);
	snprintf(level, sizeof(level), "%d", (int)proc->start.log_level);
	child_environment(environment, ARRAY_SIZE(environment));
	child_signals();
	setpgid(0, 0);
	umask(0077);
	r = chdir("/") < 0 ? -errno : child_descriptors(fd);
	if (r == 0)
		r = sandbox_drop(user);
	if (r == 0 && execve("/proc/self/exe", arguments, environment) < 0)
		r = -errno;
	log_error("cannot start role %s as user '%s': %s", role, proc->user, strerror(-r));
	_exit(126);
}

/* ---- in control ---- */

static void on_socket(struct watch *watch, uint32_t events _unused_)
{
	struct proc *proc = container_of(watch, struct proc, watch);

	/* One message a round, so that the other roles and the control socket get their turn. */
	(void)!proc_pump(proc, 0);
}

static void forget_socket(struct proc *proc)
{
	int fd = proc->watch.fd;

	if (proc->watch.loop == NULL)
		return;
	watch_stop(&proc->watch);
	close(fd);
}

static void on_timer(struct timer *timer)
{
	struct proc *proc = container_of(timer, struct proc, timer);

	if (proc->state == PROC_STOPPING)
		proc_kill(proc, "it did not end in time");
	else
		proc_start(proc);
}

/* Returns in how many milliseconds. */
static uint32_t start_again(struct proc *proc, uint64_t lived_ms)
{
	uint32_t wait = backoff_next(&proc->backoff, lived_ms);

	proc->state = PROC_WAITING;
	proc->restart_ms = clock_ms() + wait;
	timer_arm(&proc->timer, proc->loop, wait);
	return wait;
}

static int spawn(struct proc *proc, const struct sandbox_user *user)
{
	int fds[2];
	pid_t pid;
	int r = ipc_pair(fds);

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		child(proc, user, fds[1]);
	r = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r == 0)
		r = watch_start(&proc->watch, proc->loop, fds[0], EPOLLIN);
	if (r < 0) {
		close(fds[0]);
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		return r;
	}
	proc->pid = pid;
	return 0;
}

void proc_start(struct proc *proc)
{
	struct sandbox_user user;
	int r = sandbox_user(proc->user, &user);

	proc->watch.on_event = on_socket;
	proc->timer.on_expiry = on_timer;
	if (r == 0)
		r = spawn(proc, &user);
	if (r < 0) {
		log_error("cannot start role %s as user '%s': %s", role_name(proc->role),
		          proc->user, r == -ENOENT ? "there is no such user" : strerror(-r));
		start_again(proc, 0);
		return;
	}
	proc->state = PROC_STARTING;
	proc->started_ms = clock_ms();
	proc->generation = 0;
	proc->refused = 0;
	proc->on_start(proc);
}

void proc_reap(struct proc *proc)
{
	uint64_t lived_ms = clock_ms() - proc->started_ms;
	uint32_t wait;
	int status;

	if (proc->pid <= 0 || waitpid(proc->pid, &status, WNOHANG) != proc->pid)
		return;
	/* What it said before it died still counts. */
	while (proc->watch.loop != NULL && proc_pump(proc, 0) == 0)
		continue;
	forget_socket(proc);
	proc_exit_text(status, proc->last_exit);
	proc->pid = 0;
	proc->generation = 0;
	if (proc->state == PROC_STOPPING) {
		timer_stop(&proc->timer);
		proc->state = PROC_NONE;
		proc->on_stopped(proc);
		return;
	}
	proc->restarts++;
	wait = start_again(proc, lived_ms);
	log_warning("role %s ended after %llu.%03llu s: %s; starting it again in %u ms",
	            role_name(proc->role), (unsigned long long)(lived_ms / 1000),
	            (unsigned long long)(lived_ms % 1000), proc->last_exit, wait);
}

void proc_kill(struct proc *proc, const char *why)
{
	if (proc->pid <= 0)
		return;
	log_warning("killing role %s (pid %d): %s", role_name(proc->role), (int)proc->pid, why);
	kill(proc->pid, SIGKILL);
}

int proc_send(struct proc *proc, enum ipc_type type, const void *bytes, size_t len, const int *fds,
              size_t n_fds)
{
	struct pollfd ready = { .fd = proc->watch.fd, .events = POLLOUT };
	int r;

	if (!proc_alive(proc))
		return -ECONNRESET;
	r = ipc_send(proc->watch.fd, type, bytes, len, fds, n_fds);
	if (r == -EAGAIN && poll(&ready, 1, SEND_WAIT_MS) == 1)
		r = ipc_send(proc->watch.fd, type, bytes, len, fds, n_fds);
	/* A dead role is met again by proc_reap(). */
	if (r < 0 && r != -ECONNRESET)
		proc_kill(proc, r == -EAGAIN ? "it does not read its messages" : strerror(-r));
	return r;
}

int proc_pump(struct proc *proc, int timeout_ms)
{
	struct pollfd ready = { .fd = proc->watch.fd, .events = POLLIN };
	int r;

	if (proc->watch.loop == NULL)
		return -ECONNRESET;
	r = ipc_receive(proc->watch.fd, &proc->message);
	if (r == -EAGAIN && timeout_ms > 0 && poll(&ready, 1, timeout_ms) == 1)
		r = ipc_receive(proc->watch.fd, &proc->message);
	if (r == -EAGAIN)
		return -ETIME;
	if (r < 0) {
		/* A role without a socket is of no use, whatever it still does. */
		forget_socket(proc);
		if (proc->state != PROC_STOPPING && r != -ECONNRESET)
			proc_kill(proc, "it sent what is not a message");
		else if (proc->state != PROC_STOPPING)
			kill(proc->pid, SIGKILL);
		return -ECONNRESET;
	}
	proc->on_message(proc, &proc->message);
	ipc_message_done(&proc->message);
	return 0;
}

void proc_stop(struct proc *proc, uint64_t grace_ms)
{
	timer_stop(&proc->timer);
	if (proc->pid <= 0) {
		proc->state = PROC_NONE;
		proc->on_stopped(proc);
		return;
	}
	proc->state = PROC_STOPPING;
	timer_arm(&proc->timer, proc->loop, grace_ms);
	(void)proc_send(proc, IPC_STOP, NULL, 0, NULL, 0);
}
