/* Requests and answers of the control socket, as docs/control-protocol.md has them. */
#include "unit/control/rooms.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "control/control_server.h"
#include "loop/loop.h"

static struct house house;
static struct member_state states[4];
static struct plan plan;
static struct control control;
static struct proxy_stats stats;
static int reload_result;
static unsigned reloads;

static bool role(void *owner _unused_, size_t i, struct control_role *ret_role)
{
	if (i > 0)
		return false;
	*ret_role = (struct control_role){ .name = "proxy",
		                           .state = "waiting",
		                           .restarts = 2,
		                           .last_exit = "killed by SIGKILL",
		                           .next_start_ms = 180 };
	return true;
}

static int reload(void *owner _unused_, bool dry_run _unused_, struct diag *diag,
                  struct plan_changes *ret_changes)
{
	struct place place = { "shunt.yaml", 3, 4 };

	reloads++;
	if (reload_result < 0)
		return diag_error(diag, reload_result, &place, "unknown key 'pols'");
	ret_changes->kernel.vips_added = 1;
	return 0;
}

static int admin(void *owner _unused_, uint32_t member, enum member_admin to, size_t *ret_ended)
{
	states[member].admin = to;
	*ret_ended = 5;
	return 0;
}

static const struct control_ops OPS = { .role = role, .reload = reload, .admin = admin };

static int setup(void **state _unused_)
{
	house_build(&house, 3);
	memset(states, 0, sizeof(states));
	states[0].health = states[2].health = states[3].health = MEMBER_UP;
	states[1].health = MEMBER_DOWN;
	plan.current = &house.generation;
	plan.states = states;
	reload_result = 0;
	control = (struct control){ .ops = &OPS,
		                    .plan = &plan,
		                    .config = "/etc/shunt.yaml",
		                    .run_dir = "/run/shunt",
		                    .pin_dir = "/sys/fs/bpf/shunt",
		                    .stats = &stats,
		                    .workers = 2 };
	assert_int_equal(health_new(&house.generation, NULL, &control.health), 0);
	return counters_new(&house.generation, &stats, NULL, &control.counters);
}

static int teardown(void **state _unused_)
{
	health_free(control.health);
	counters_free(control.counters);
	return 0;
}

static json_t *ask(const char *request)
{
	char *line = control_answer(&control, request, strlen(request));
	json_t *answer;

	assert_non_null(line);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	answer = json_loads(line, 0, NULL);
	free(line);
	assert_non_null(answer);
	return answer;
}

/* The result of a request that must succeed; the caller drops answer. */
static json_t *result(json_t *answer)
{
	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_non_null(json_object_get(answer, "result"));
	return json_object_get(answer, "result");
}

static void expect_error(const char *request, int code, const char *part)
{
	json_t *answer = ask(request);
	const char *error = json_string_value(json_object_get(answer, "error"));

	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_int_equal(json_integer_value(json_object_get(answer, "code")), code);
	assert_non_null(error);
	if (strstr(error, part) == NULL)
		fail_msg("'%s' has no '%s'", error, part);
	json_decref(answer);
}

static const char *text_at(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void bad_requests(void **state _unused_)
{
	expect_error("", 1, "not JSON");
	expect_error("{", 1, "not JSON");
	expect_error("[]", 1, "verb");
	expect_error("{}", 1, "verb");
	expect_error("{\"verb\": 3}", 1, "verb");
	expect_error("{\"verb\": \"vips\", \"verb\": \"pools\"}", 1, "not JSON");
	expect_error("{\"verb\": \"vip\"}", 1, "unknown verb 'vip'");
	expect_error("{\"verb\": \"vips\", \"x\": 1}", 1, "unknown argument 'x'");
	expect_error("{\"verb\": \"reload\", \"dry_run\": 1}", 1, "must be a boolean");
	expect_error("{\"verb\": \"backend\"}", 1, "'name' is missing");
	expect_error("{\"verb\": \"backend\", \"name\": [], \"admin\": \"drain\"}", 1,
	             "must be a string");
}

static void every_verb_answers(void **state _unused_)
{
	static const char *const REQUESTS[] = {
		"{\"verb\": \"status\"}",
		"{\"verb\": \"vips\"}",
		"{\"verb\": \"pools\"}",
		"{\"verb\": \"monitors\"}",
		"{\"verb\": \"interfaces\"}",
		"{\"verb\": \"stats\"}",
		"{\"verb\": \"backend\", \"name\": \"ex01\", \"admin\": \"drain\"}",
		"{\"verb\": \"reload\", \"dry_run\": true}",
	};

	assert_int_equal(ARRAY_SIZE(REQUESTS), CONTROL_VERBS);
	for (size_t i = 0; i < ARRAY_SIZE(REQUESTS); i++) {
		json_t *answer = ask(REQUESTS[i]);

		result(answer);
		json_decref(answer);
	}
}

static void status_tells_roles(void **state _unused_)
{
	json_t *answer = ask("{\"verb\":\"status\"}");
	json_t *r = result(answer);
	json_t *proxy = json_array_get(json_object_get(r, "roles"), 0);

	assert_string_equal(text_at(r, "version"), SHUNT_VERSION);
	assert_int_equal(json_integer_value(json_object_get(r, "generation")), 3);
	assert_true(json_is_null(json_object_get(r, "last_reload")));
	assert_string_equal(text_at(proxy, "state"), "waiting");
	assert_true(json_is_null(json_object_get(proxy, "pid")));
	assert_int_equal(json_integer_value(json_object_get(proxy, "next_start_ms")), 180);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(r, "pools"), "partial")), 1);
	json_decref(answer);
}

static void vips_have_health_of_their_pools(void **state _unused_)
{
	json_t *answer = ask("{\"verb\":\"vips\"}");
	json_t *vips = json_object_get(result(answer), "vips");
	json_t *mail = json_array_get(vips, 0), *portal = json_array_get(vips, 1);

	assert_string_equal(text_at(mail, "plane"), "kernel");
	assert_string_equal(text_at(mail, "health"), "partial");
	assert_string_equal(text_at(portal, "plane"), "proxy");
	assert_string_equal(text_at(portal, "health"), "up");
	/* Two routes lead to the same pool. */
	assert_int_equal(json_array_size(json_object_get(portal, "pools")), 1);
	assert_int_equal(json_integer_value(json_object_get(portal, "redirect_http")), 80);
	assert_true(json_is_null(json_object_get(mail, "redirect_http")));
	json_decref(answer);
}

static void monitors_tell_the_excerpt(void **state _unused_)
{
	struct ipc_verdict verdict = house_verdict(3, 1, 1, false);
	json_t *answer, *list, *cell;

	assert_int_equal(health_verdict(control.health, &verdict, 1764000000), 1);
	answer = ask("{\"verb\":\"monitors\"}");
	list = json_object_get(result(answer), "monitors");
	assert_int_equal(json_array_size(list), 4);
	assert_true(json_is_null(json_object_get(json_array_get(list, 0), "last")));
	cell = json_array_get(list, 3);
	assert_string_equal(text_at(cell, "backend"), "ex02");
	assert_string_equal(text_at(cell, "monitor"), "tcp");
	assert_int_equal(json_integer_value(json_object_get(cell, "port")), 587);
	assert_string_equal(text_at(json_object_get(cell, "failed"), "excerpt"), "421 4.3.2 no");
	assert_string_equal(text_at(json_object_get(cell, "last"), "stage"), "receive");
	assert_int_equal(json_array_size(json_object_get(cell, "history")), 1);
	json_decref(answer);
}

static void backend_changes_all_or_one(void **state _unused_)
{
	json_t *answer;

	answer = ask("{\"verb\":\"backend\",\"name\":\"ex01\",\"admin\":\"drain\"}");
	assert_int_equal(json_array_size(json_object_get(result(answer), "members")), 2);
	assert_int_equal(states[0].admin, MEMBER_DRAIN);
	assert_int_equal(states[2].admin, MEMBER_DRAIN);
	json_decref(answer);
	answer = ask(
		"{\"verb\":\"backend\",\"name\":\"ex01\",\"pool\":\"web\",\"admin\":\"enabled\"}");
	assert_string_equal(
		text_at(json_array_get(json_object_get(result(answer), "members"), 0), "was"),
		"drain");
	assert_int_equal(states[0].admin, MEMBER_DRAIN);
	assert_int_equal(states[2].admin, MEMBER_ENABLED);
	json_decref(answer);
	expect_error("{\"verb\":\"backend\",\"name\":\"ex09\",\"admin\":\"drain\"}", 3,
	             "no backend 'ex09'");
	expect_error("{\"verb\":\"backend\",\"name\":\"ex01\",\"pool\":\"x\",\"admin\":\"drain\"}",
	             3, "no pool 'x'");
	expect_error("{\"verb\":\"backend\",\"name\":\"ex01\",\"admin\":\"off\"}", 2, "not 'off'");
}

static void reload_passes_errors_on(void **state _unused_)
{
	reload_result = -EINVAL;
	expect_error("{\"verb\":\"reload\"}", 2, "shunt.yaml:3:4: unknown key 'pols'");
	reload_result = -EADDRNOTAVAIL;
	expect_error("{\"verb\":\"reload\"}", 1, "shunt.yaml:3:4");
}

static void counters_follow_names(void **state _unused_)
{
	struct counters *next = NULL;
	struct member_counters sum;
	struct vip_counters web;
	struct house other;

	memset(&stats, 0, sizeof(stats));
	stats.workers[0].vips[1].requests = 40;
	stats.workers[1].vips[1].requests = 2;
	stats.workers[1].members[2].requests = 7;
	counters_vip(control.counters, 1, &web);
	assert_int_equal(web.requests, 42);
	house_build(&other, 4);
	/* The portal is vip 0 now, and ex01 is the second member of its pool. */
	other.vips[0].name = "portal";
	other.vips[1].name = "new";
	other.members[2].backend = &other.backends[1];
	other.members[3].backend = &other.backends[0];
	assert_int_equal(counters_new(&other.generation, &stats, control.counters, &next), 0);
	counters_vip(next, 0, &web);
	assert_int_equal(web.requests, 42);
	counters_vip(next, 1, &web);
	assert_int_equal(web.requests, 0);
	stats.workers[0].vips[0].requests += 3;
	stats.workers[0].vips[1].requests += 9;
	counters_vip(next, 0, &web);
	assert_int_equal(web.requests, 45);
	counters_vip(next, 1, &web);
	assert_int_equal(web.requests, 9);
	counters_member(next, 3, &sum);
	assert_int_equal(sum.requests, 7);
	counters_member(next, 2, &sum);
	assert_int_equal(sum.requests, 0);
	counters_free(next);
}

/* ---- over a real socket ---- */

static struct loop *loop;
static struct control_server *server;
static char dir[64];

static int socket_setup(void **state)
{
	struct diag diag = { 0 };

	setup(state);
	snprintf(dir, sizeof(dir), "/tmp/shunt-control-XXXXXX");
	assert_non_null(mkdtemp(dir));
	control.run_dir = dir;
	loop = loop_new();
	assert_non_null(loop);
	return control_server_new(loop, &control, &diag, &server);
}

static int socket_teardown(void **state)
{
	server = control_server_free(server);
	loop = loop_free(loop);
	rmdir(dir);
	return teardown(state);
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_SOCKET, dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void turn(int rounds)
{
	while (rounds-- > 0)
		assert_int_equal(loop_once(loop, 1), 0);
}

static size_t read_all(int fd, char *buf, size_t size)
{
	size_t at = 0;

	for (int i = 0; i < 200; i++) {
		ssize_t n = recv(fd, buf + at, size - 1 - at, 0);

		if (n == 0)
			break;
		if (n > 0)
			at += (size_t)n;
		turn(1);
	}
	buf[at] = '\0';
	return at;
}

static void socket_answers_and_closes(void **state _unused_)
{
	static char buf[65536];
	struct stat st;
	char path[128];
	int fd = dial();

	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	/* In pieces, and with another request behind it that is not answered. */
	assert_int_equal(send(fd, "{\"verb\":", 8, 0), 8);
	turn(3);
	assert_int_equal(send(fd, "\"vips\"}\n{\"verb\"", 15, 0), 15);
	assert_true(read_all(fd, buf, sizeof(buf)) > 0);
	assert_non_null(strstr(buf, "{\"ok\":true"));
	assert_ptr_equal(strchr(buf, '\n'), buf + strlen(buf) - 1);
	close(fd);
}

static void socket_refuses_long_requests(void **state _unused_)
{
	static char noise[CONTROL_REQUEST_MAX + 1], buf[4096];
	int fd = dial();
	size_t sent = 0;

	memset(noise, ' ', sizeof(noise));
	while (sent < CONTROL_REQUEST_MAX) {
		ssize_t n = send(fd, noise, CONTROL_REQUEST_MAX - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		turn(1);
	}
	assert_true(read_all(fd, buf, sizeof(buf)) > 0);
	assert_non_null(strstr(buf, "too long"));
	close(fd);
}

static void socket_holds_many(void **state _unused_)
{
	static char buf[65536];
	int fds[80];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = i < 64 ? dial() : -1;
		turn(1);
	}
	/* More than the server serves at once: the last one is served when the first ones left. */
	for (size_t i = 0; i < 63; i++)
		close(fds[i]);
	assert_int_equal(send(fds[63], "{\"verb\":\"pools\"}\n", 17, 0), 17);
	assert_true(read_all(fds[63], buf, sizeof(buf)) > 0);
	assert_non_null(strstr(buf, "{\"ok\":true"));
	close(fds[63]);
}

static void socket_replaces_a_stale_one(void **state _unused_)
{
	struct control_server *second = NULL;
	struct diag diag = { 0 };
	char path[128];

	/* As a dead agent leaves it: the file is there, nobody listens. */
	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, dir);
	assert_int_equal(control_server_new(loop, &control, &diag, &second), 0);
	close(dial());
	turn(2);
	control_server_free(second);
}

/* Whoever is neither root nor in the group is told so, even when the file's mode was opened by mistake. */
static void socket_refuses_strangers(void **state _unused_)
{
	static char buf[4096];
	char path[128];
	int fd, status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, dir);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	child = fork();
	if (child == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		fd = dial();
		/* The first thing that comes is the refusal. */
		for (int i = 0; i < 2000 && recv(fd, buf, sizeof(buf) - 1, 0) < 0; i++)
			usleep(1000);
		_exit(strstr(buf, "\"code\":4") != NULL ? 0 : 2);
	}
	for (int i = 0; i < 3000 && waitpid(child, &status, WNOHANG) == 0; i++)
		turn(1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(every_verb_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(status_tells_roles, setup, teardown),
		cmocka_unit_test_setup_teardown(vips_have_health_of_their_pools, setup, teardown),
		cmocka_unit_test_setup_teardown(monitors_tell_the_excerpt, setup, teardown),
		cmocka_unit_test_setup_teardown(backend_changes_all_or_one, setup, teardown),
		cmocka_unit_test_setup_teardown(reload_passes_errors_on, setup, teardown),
		cmocka_unit_test_setup_teardown(counters_follow_names, setup, teardown),
		cmocka_unit_test_setup_teardown(socket_answers_and_closes, socket_setup,
		                                socket_teardown),
		cmocka_unit_test_setup_teardown(socket_refuses_long_requests, socket_setup,
		                                socket_teardown),
		cmocka_unit_test_setup_teardown(socket_holds_many, socket_setup, socket_teardown),
		cmocka_unit_test_setup_teardown(socket_refuses_strangers, socket_setup,
		                                socket_teardown),
		cmocka_unit_test_setup_teardown(socket_replaces_a_stale_one, socket_setup,
		                                socket_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
