/* Roles as processes: this binary executes itself again, drops to another user, talks over the socket pair, dies, and is
 * started again. Also the locks and the sandbox, which need processes of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "agent/rundir.h"
#include "agent/sandbox.h"
#include "agent/supervise.h"
#include "base/clock.h"

#define USER "nobody"

/* ---- the roles, as this test has them ---- */

static void *thread(void *arg)
{
	return arg;
}

/* Says what it can do, then does what it is told: IPC_GENERATION 1: exit 7; 2: send noise; IPC_STOP: exit 0. */
static int play(enum role role)
{
	static struct ipc_message message;
	struct ipc_ready ready = { 0 };
	pthread_t t;

	log_init("role", LOG_LEVEL_ERROR);
	if (sandbox_no_dump() < 0 || role_seal(role) < 0)
		return 99;
	ready.number |= (getuid() != 0) << 0;
	ready.number |= (socket(AF_INET, SOCK_STREAM, 0) >= 0) << 2;
	ready.number |= (socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM) << 3;
	ready.number |= (pthread_create(&t, NULL, thread, NULL) == 0) << 4;
	ready.number |= (fcntl(4, F_GETFD) < 0 || fcntl(5, F_GETFD) < 0) << 5;
	ready.number |= (getenv("SECRET") == NULL) << 6;
	ready.number |= (kill(getppid(), 0) < 0) << 7;
	if (ipc_send(ROLE_SOCKET, IPC_READY, &ready, sizeof(ready), NULL, 0) < 0)
		return 98;
	for (;;) {
		int r = ipc_receive(ROLE_SOCKET, &message);

		if (r == -EAGAIN) {
			usleep(1000);
			continue;
		}
		if (r < 0)
			return 97;
		if (message.type == IPC_STOP)
			return 0;
		if (message.type == IPC_GENERATION && message.bytes[0] == 1)
			return 7;
		if (message.type == IPC_GENERATION && send(ROLE_SOCKET, "noise", 5, 0) < 0)
			return 96;
	}
}

int role_auth(const struct role_start *start _unused_)
{
	return play(ROLE_auth);
}

int role_monitor(const struct role_start *start _unused_)
{
	return play(ROLE_monitor);
}

int role_proxy(const struct role_start *start)
{
	return start->workers == 2 ? play(ROLE_proxy) : 95;
}

/* ---- control's side ---- */

static struct loop *loop;
static struct proc proc;
static unsigned starts, stops;
static uint64_t said;

static void on_start(struct proc *p _unused_)
{
	starts++;
}

static void on_message(struct proc *p, struct ipc_message *message)
{
	assert_int_equal(message->type, IPC_READY);
	said = message->bytes[0];
	p->state = PROC_READY;
}

static void on_stopped(struct proc *p _unused_)
{
	stops++;
}

static int setup(void **state _unused_)
{
	if (geteuid() != 0)
		return 0;
	setenv("SECRET", "x", 1);
	/* The leak sanitizer starts a process at exit, which the seal forbids. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	starts = stops = 0;
	said = 0;
	loop = loop_new();
	memset(&proc, 0, sizeof(proc));
	proc.role = ROLE_proxy;
	proc.user = USER;
	proc.start = (struct role_start){ .log_level = LOG_LEVEL_ERROR, .workers = 2 };
	proc.loop = loop;
	proc.on_start = on_start;
	proc.on_message = on_message;
	proc.on_stopped = on_stopped;
	return loop == NULL;
}

static int teardown(void **state _unused_)
{
	if (proc.pid > 0)
		kill(proc.pid, SIGKILL);
	loop = loop_free(loop);
	return 0;
}

static void turn_until(const bool *done, unsigned *counter, unsigned value)
{
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(loop_once(loop, 1), 0);
		proc_reap(&proc);
		if ((done != NULL && *done) || (counter != NULL && *counter >= value))
			return;
	}
	fail_msg("nothing happened for 5 s");
}

static void turn_until_ready(void)
{
	for (int i = 0; i < 5000 && proc.state != PROC_READY; i++) {
		assert_int_equal(loop_once(loop, 1), 0);
		proc_reap(&proc);
	}
	assert_int_equal(proc.state, PROC_READY);
}

#define NEED_ROOT                   \
	do {                        \
		if (geteuid() != 0) \
			skip();     \
	} while (0)

static void a_role_has_given_up_everything(void **state _unused_)
{
	char path[64], line[256];
	unsigned long long caps = 1;
	FILE *f;

	NEED_ROOT;
	proc_start(&proc);
	turn_until_ready();
	assert_int_equal(said, 0xfd);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)proc.pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "Cap", 3) == 0) {
			assert_int_equal(sscanf(line, "Cap%*3s: %llx", &caps), 1);
			assert_int_equal(caps, 0);
		}
		if (strncmp(line, "NoNewPrivs:", 11) == 0)
			assert_non_null(strchr(line, '1'));
		if (strncmp(line, "Groups:", 7) == 0)
			assert_null(strpbrk(line, "0123456789"));
		if (strncmp(line, "Seccomp:", 8) == 0)
			assert_non_null(strchr(line, '2'));
	}
	fclose(f);
	assert_int_equal(caps, 0);
	proc_stop(&proc, 1000);
	turn_until(NULL, &stops, 1);
	assert_string_equal(proc.last_exit, "exit status 0");
}

static void others_may_not_connect(void **state _unused_)
{
	NEED_ROOT;
	proc.role = ROLE_auth;
	proc_start(&proc);
	turn_until_ready();
	/* No socket of any family. */
	assert_int_equal(said, 0xfd & ~(1 << 2));
	proc_stop(&proc, 1000);
	turn_until(NULL, &stops, 1);
}

static void a_killed_role_comes_back(void **state _unused_)
{
	uint64_t before;

	NEED_ROOT;
	proc_start(&proc);
	turn_until_ready();
	before = clock_ms();
	kill(proc.pid, SIGKILL);
	turn_until(NULL, &starts, 2);
	turn_until_ready();
	assert_true(clock_ms() - before < 1000);
	assert_string_equal(proc.last_exit, "killed by SIGKILL");
	assert_int_equal(proc.restarts, 1);
	/* The second time it waits. */
	kill(proc.pid, SIGKILL);
	while (proc.restarts < 2) {
		assert_int_equal(loop_once(loop, 1), 0);
		proc_reap(&proc);
	}
	assert_int_equal(proc.state, PROC_WAITING);
	before = clock_ms();
	turn_until(NULL, &starts, 3);
	assert_true(clock_ms() - before >= 90);
	turn_until_ready();
	proc_stop(&proc, 1000);
	turn_until(NULL, &stops, 1);
}

static void its_exit_status_is_kept(void **state _unused_)
{
	struct ipc_generation generation = { .number = 1 };

	NEED_ROOT;
	proc_start(&proc);
	turn_until_ready();
	assert_int_equal(proc_send(&proc, IPC_GENERATION, &generation, sizeof(generation), NULL, 0),
	                 0);
	turn_until(NULL, &starts, 2);
	assert_string_equal(proc.last_exit, "exit status 7");
	turn_until_ready();
	proc_stop(&proc, 1000);
	turn_until(NULL, &stops, 1);
}

static void noise_ends_it(void **state _unused_)
{
	struct ipc_generation generation = { .number = 2 };

	NEED_ROOT;
	proc_start(&proc);
	turn_until_ready();
	assert_int_equal(proc_send(&proc, IPC_GENERATION, &generation, sizeof(generation), NULL, 0),
	                 0);
	turn_until(NULL, &starts, 2);
	assert_string_equal(proc.last_exit, "killed by SIGKILL");
	turn_until_ready();
	proc_stop(&proc, 1000);
	turn_until(NULL, &stops, 1);
}

static void a_stuck_role_is_killed(void **state _unused_)
{
	static char bytes[IPC_BYTES_MAX];

	NEED_ROOT;
	proc_start(&proc);
	turn_until_ready();
	kill(proc.pid, SIGSTOP);
	for (int i = 0; i < 4000; i++)
		if (proc_send(&proc, IPC_MEMBER, bytes, sizeof(bytes), NULL, 0) < 0)
			break;
	turn_until(NULL, &starts, 2);
	assert_string_equal(proc.last_exit, "killed by SIGKILL");
	turn_until_ready();
	/* And one that does not stop when asked. */
	kill(proc.pid, SIGSTOP);
	proc_stop(&proc, 100);
	turn_until(NULL, &stops, 1);
	assert_int_equal(proc.state, PROC_NONE);
}

static void a_missing_user_is_tried_again(void **state _unused_)
{
	NEED_ROOT;
	proc.user = "no-such-user-here";
	proc_start(&proc);
	assert_int_equal(proc.state, PROC_WAITING);
	assert_int_equal(starts, 0);
	proc.user = USER;
	turn_until(NULL, &starts, 1);
	turn_until_ready();
	proc_stop(&proc, 1000);
	turn_until(NULL, &stops, 1);
}

static void exit_texts(void **state _unused_)
{
	char text[EXIT_TEXT_MAX];

	proc_exit_text(3 << 8, text);
	assert_string_equal(text, "exit status 3");
	proc_exit_text(SIGSEGV, text);
	assert_string_equal(text, "killed by SIGSEGV");
	proc_exit_text(SIGRTMIN + 3, text);
	assert_non_null(strstr(text, "killed by signal"));
}

/* What a role that was taken over would try first ends it. */
static void deadly_calls_end_the_process(void **state _unused_)
{
	static const long CALLS[] = { SYS_execve, SYS_ptrace, SYS_bpf,
		                      SYS_mount,  SYS_setuid, SYS_unshare };

	for (size_t i = 0; i < ARRAY_SIZE(CALLS); i++)
		for (enum seal seal = SEAL_QUIET; seal <= SEAL_SERVE; seal++) {
			int status = 0;
			pid_t child = fork();

			if (child == 0) {
				prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
				if (sandbox_seal(seal) < 0)
					_exit(1);
				syscall(CALLS[i], 0, 0, 0, 0);
				_exit(2);
			}
			assert_int_equal(waitpid(child, &status, 0), child);
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGSYS);
		}
}

static void other_calls_fail(void **state _unused_)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (sandbox_seal(SEAL_SERVE) < 0)
			_exit(1);
		/* A process is refused, not deadly: libraries try. */
		if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) != -1 || errno != EPERM)
			_exit(2);
		if (unlink("/nonexistent") != -1 || errno != EPERM)
			_exit(3);
		if (kill(getppid(), 0) != -1 || errno != EPERM)
			_exit(4);
		if (socket(AF_UNIX, SOCK_STREAM, 0) != -1 || errno != EPERM)
			_exit(5);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void second_agent_is_refused(void **state _unused_)
{
	char dir[] = "/tmp/shunt-rundir-XXXXXX", path[64], expected[64];
	struct diag diag = { 0 };
	int first = -1, second = -1;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(rundir_lock(dir, &diag, &first), 0);
	assert_int_equal(rundir_lock(dir, &diag, &second), -EBUSY);
	snprintf(expected, sizeof(expected), "shuntd (pid %d) already runs on", (int)getpid());
	assert_non_null(strstr(diag.entries[0].text, expected));
	assert_int_equal(second, -1);
	diag_done(&diag);
	/* What a dead agent left does not hold anybody up. */
	close(first);
	assert_int_equal(rundir_lock(dir, &diag, &second), 0);
	close(second);
	snprintf(path, sizeof(path), "%s/shuntd.lock", dir);
	unlink(path);
	rmdir(dir);
}

static void role_words(void **state _unused_)
{
	assert_string_equal(role_name(ROLE_proxy), "proxy");
	assert_int_equal(role_find("monitor"), ROLE_monitor);
	assert_int_equal(role_find("nobody"), ROLES);
	assert_int_equal(role_find(""), ROLES);
}

static void users(void **state _unused_)
{
	struct generation generation = { .user_monitor = "m", .user_proxy = "p", .user_auth = "a" };
	struct sandbox_user user;

	assert_null(role_user(ROLE_control, &generation));
	assert_string_equal(role_user(ROLE_monitor, &generation), "m");
	assert_string_equal(role_user(ROLE_proxy, &generation), "p");
	assert_string_equal(role_user(ROLE_auth, &generation), "a");
	assert_int_equal(sandbox_user("no-such-user-here", &user), -ENOENT);
	assert_int_equal(sandbox_user("root", &user), -EPERM);
	assert_int_equal(sandbox_user(USER, &user), 0);
	assert_true(user.uid != 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(role_words),
		cmocka_unit_test(users),
		cmocka_unit_test(exit_texts),
		cmocka_unit_test(second_agent_is_refused),
		cmocka_unit_test(deadly_calls_end_the_process),
		cmocka_unit_test(other_calls_fail),
		cmocka_unit_test_setup_teardown(a_role_has_given_up_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(others_may_not_connect, setup, teardown),
		cmocka_unit_test_setup_teardown(a_killed_role_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(its_exit_status_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(noise_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stuck_role_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_user_is_tried_again, setup, teardown),
	};

	/* This program is the role, too: shuntd --role NAME --workers N --log-level N. */
	if (argc > 4 && strcmp(argv[1], "--role") == 0) {
		struct role_start start = { .workers = (unsigned)strtoul(argv[4], NULL, 10) };

		return role_run(role_find(argv[2]), &start);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
