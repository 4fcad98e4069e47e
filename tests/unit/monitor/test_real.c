/* The monitors against real servers on loopback: Postfix's smtp-sink, Dovecot, Python's web server. A server that is not
 * installed is skipped, and the output says so. */
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "unit/monitor/fake.h"
#include "unit/monitor/world.h"

static char dir[] = "/tmp/shunt-real-XXXXXX";
static struct testcert ca, cert;
static char *ca_pem;

static int make_all(void **state _unused_)
{
	signal(SIGPIPE, SIG_IGN);
	ca = testcert_make(&(struct testcert_is){ "Test CA", .authority = true, .until_days = 30 });
	cert = testcert_make(
		&(struct testcert_is){ "mx.test", "DNS:mx.test", .until_days = 9, .issuer = &ca });
	ca_pem = TESTCERT_PEM(CERT(&ca));
	/* Dovecot's login processes are somebody else. */
	return mkdtemp(dir) != NULL ? chmod(dir, 0755) : -1;
}

static int remove_one(const char *path, const struct stat *st _unused_, int flag _unused_,
                      struct FTW *ftw _unused_)
{
	return remove(path);
}

static int free_all(void **state _unused_)
{
	testcert_free(&ca);
	testcert_free(&cert);
	free(ca_pem);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static uint16_t free_port(void)
{
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, NULL);
	fake_stop(&fake);
	return fake.port;
}

static pid_t start(char *const argv[])
{
	char log[128];
	pid_t pid;

	if (access(argv[0], X_OK) < 0) {
		print_message("%s is not installed: skipped\n", argv[0]);
		skip();
	}
	snprintf(log, sizeof(log), "%s/output", dir);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (freopen(log, "a", stdout) == NULL || dup2(1, 2) < 0 || chdir(dir) < 0)
			_exit(126);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static void stop(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	for (int i = 0; i < 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return;
		usleep(50000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* The server needs its time to start: probe until it is up, at most ten seconds. */
static struct ipc_verdict probe(struct world *world)
{
	uint64_t until = clock_ms() + 10000;
	struct ipc_verdict last = { 0 };
	struct watcher watcher;

	world->monitors[0].interval_ms = 250;
	world->monitors[0].timeout_ms = 2000;
	watcher_start(&watcher, world);
	while (clock_ms() < until && !last.ok) {
		watcher.n = 0;
		last = *watcher_wait(&watcher, 1);
		if (!last.ok && last.stage != STAGE_CONNECT)
			break;
	}
	watcher_stop(&watcher);
	if (!last.ok)
		print_message("stage %d: %s: %s\n", last.stage, last.text, last.excerpt);
	return last;
}

static void smtp_sink_is(const char *option, const char *value, bool ok, const char *text)
{
	uint16_t port = free_port();
	char address[32];
	char *argv[] = { "/usr/sbin/smtp-sink", "-u",    "nobody", (char *)option,
		         (char *)value,         address, "10",     NULL };
	char *plain[] = { "/usr/sbin/smtp-sink", "-u", "nobody", address, "10", NULL };
	struct ipc_verdict verdict;
	struct world world;
	pid_t pid;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	pid = start(option != NULL ? argv : plain);
	world_make(&world, MONITOR_smtp, "127.0.0.1", port);
	verdict = probe(&world);
	stop(pid);
	assert_int_equal(verdict.ok, ok);
	assert_non_null(strstr(verdict.text, text));
}

static void smtp_sink(void **state _unused_)
{
	smtp_sink_is(NULL, NULL, true, "ok");
	/* Soft and hard errors for one command. */
	smtp_sink_is("-r", "mail", false, "MAIL FROM was answered with 4");
	smtp_sink_is("-f", "mail", false, "MAIL FROM was answered with 5");
}

static void dovecot(void **state _unused_)
{
	char *argv[] = { "/usr/sbin/dovecot", "-F", "-c", NULL, NULL };
	char conf[2048], path[128];
	uint16_t port = free_port(), tls_port = free_port();
	char *pem = TESTCERT_PEM(CERT(&cert), KEY(&cert));
	struct ipc_verdict plain, secure;
	struct world world;
	pid_t pid;

	if (getuid() != 0 || getpwnam("dovenull") == NULL) {
		free(pem);
		print_message("dovecot wants root and its users: skipped\n");
		skip();
	}
	write_file("cert.pem", pem);
	free(pem);
	snprintf(conf, sizeof(conf),
	         "base_dir = %s/run\nstate_dir = %s/state\nlog_path = %s/log\nprotocols = imap\n"
	         "listen = 127.0.0.1\nssl = yes\nssl_cert = <%s/cert.pem\nssl_key = <%s/cert.pem\n"
	         "service imap-login {\n  inet_listener imap {\n    port = %u\n  }\n"
	         "  inet_listener imaps {\n    port = %u\n    ssl = yes\n  }\n}\n"
	         "passdb {\n  driver = static\n  args = password=x\n}\n"
	         "userdb {\n  driver = static\n  args = uid=nobody gid=nogroup "
	         "home=/nonexistent\n}\n",
	         dir, dir, dir, dir, dir, port, tls_port);
	write_file("dovecot.conf", conf);
	snprintf(path, sizeof(path), "%s/dovecot.conf", dir);
	argv[3] = path;
	pid = start(argv);
	world_make(&world, MONITOR_imap, "127.0.0.1", port);
	plain = probe(&world);
	world_make(&world, MONITOR_imap, "127.0.0.1", tls_port);
	world_trust(&world, ca_pem, "mx.test");
	secure = probe(&world);
	stop(pid);
	assert_true(plain.ok);
	assert_true(secure.ok);
	assert_non_null(strstr(secure.excerpt, "a2 OK"));
}

static void python_web_server(void **state _unused_)
{
	char port_text[8];
	char *argv[] = { "/usr/bin/python3", "-m",      "http.server", "--bind",
		         "127.0.0.1",        port_text, NULL };
	struct ipc_verdict found, missing;
	uint16_t port = free_port();
	struct world world;
	pid_t pid;

	write_file("healthcheck.htm", "200 OK<br/>EX01.LAB.LOCAL");
	snprintf(port_text, sizeof(port_text), "%u", port);
	pid = start(argv);
	world_make(&world, MONITOR_http, "127.0.0.1", port);
	world.monitors[0].path = "/healthcheck.htm";
	world.monitors[0].expect_body = "200 OK";
	found = probe(&world);
	world.monitors[0].path = "/missing.htm";
	missing = probe(&world);
	stop(pid);
	assert_true(found.ok);
	assert_false(missing.ok);
	assert_string_equal(missing.text, "the status is 404, expected 200");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smtp_sink),
		cmocka_unit_test(dovecot),
		cmocka_unit_test(python_web_server),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
