/* Listening sockets: opened for proxy vips, shared over a reload, closed when gone, never half a set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "agent/listeners.h"

#define WORKERS 3

static uint16_t ports[4]; /* free ones on 127.0.0.1 and ::1 */
static struct vip vips[2];
static struct generation generation = { .number = 5, .vips = vips, .n_vips = 2 };

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static uint16_t free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static int setup(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		ports[i] = free_port();
	vips[0] = (struct vip){ .name = "web",
		                .index = 0,
		                .plane = PLANE_PROXY,
		                .ports = &ports[0],
		                .n_ports = 1,
		                .redirect_http = ports[1] };
	vips[1] = (struct vip){
		.name = "six", .index = 1, .plane = PLANE_PROXY, .ports = &ports[2], .n_ports = 1
	};
	assert_int_equal(addr_parse("127.0.0.1", &vips[0].addr), 0);
	assert_int_equal(addr_parse("::1", &vips[1].addr), 0);
	generation.n_vips = 2;
	return 0;
}

static int dial(const char *ip, uint16_t port)
{
	struct sockaddr_storage ss;
	struct addr addr;
	socklen_t len;
	int fd, r;

	assert_int_equal(addr_parse(ip, &addr), 0);
	len = addr_to_sockaddr(&addr, port, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	r = connect(fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
	close(fd);
	return r;
}

struct seen {
	size_t n;
	unsigned kinds[2];
	unsigned workers[WORKERS];
};

static int see(void *owner, const struct ipc_listener *listeners, const int *fds, size_t n)
{
	struct seen *seen = owner;

	for (size_t i = 0; i < n; i++) {
		int on = 0;
		socklen_t len = sizeof(on);

		assert_int_equal(getsockopt(fds[i], SOL_SOCKET, SO_ACCEPTCONN, &on, &len), 0);
		assert_int_equal(on, 1);
		assert_int_equal(getsockopt(fds[i], SOL_SOCKET, SO_REUSEPORT, &on, &len), 0);
		assert_int_equal(on, 1);
		assert_int_equal(listeners[i].generation, 5);
		seen->kinds[listeners[i].kind]++;
		seen->workers[listeners[i].worker]++;
		seen->n++;
	}
	return 0;
}

static void opens_one_a_worker(void **state _unused_)
{
	struct listener_set *set = NULL;
	struct diag diag = { 0 };
	struct seen seen = { 0 };
	int before = open_fds();

	assert_int_equal(listeners_open(&generation, WORKERS, NULL, &diag, &set), 0);
	assert_int_equal(listeners_count(set), 3);
	assert_int_equal(open_fds(), before + 3 * WORKERS);
	assert_int_equal(listeners_each(set, &generation, see, &seen), 0);
	assert_int_equal(seen.n, 3 * WORKERS);
	assert_int_equal(seen.kinds[LISTENER_REDIRECT], WORKERS);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(seen.workers[i], 3);
	assert_int_equal(dial("127.0.0.1", ports[0]), 0);
	assert_int_equal(dial("127.0.0.1", ports[1]), 0);
	assert_int_equal(dial("::1", ports[2]), 0);
	listeners_free(set, NULL);
	assert_int_equal(open_fds(), before);
	assert_int_equal(dial("127.0.0.1", ports[0]), -ECONNREFUSED);
}

static void kernel_vips_have_none(void **state _unused_)
{
	struct listener_set *set = NULL;
	struct diag diag = { 0 };

	vips[0].plane = vips[1].plane = PLANE_KERNEL;
	assert_int_equal(listeners_open(&generation, WORKERS, NULL, &diag, &set), 0);
	assert_int_equal(listeners_count(set), 0);
	listeners_free(set, NULL);
}

static void a_reload_shares_and_closes(void **state _unused_)
{
	struct listener_set *first = NULL, *second = NULL;
	struct diag diag = { 0 };
	int before = open_fds();

	assert_int_equal(listeners_open(&generation, WORKERS, NULL, &diag, &first), 0);
	/* The redirect goes away, the port of "six" changes, "web" stays. */
	vips[0].redirect_http = 0;
	vips[1].ports = &ports[3];
	assert_int_equal(listeners_open(&generation, WORKERS, first, &diag, &second), 0);
	assert_int_equal(open_fds(), before + 4 * WORKERS);
	listeners_free(first, second);
	assert_int_equal(open_fds(), before + 2 * WORKERS);
	assert_int_equal(dial("127.0.0.1", ports[0]), 0);
	assert_int_equal(dial("127.0.0.1", ports[1]), -ECONNREFUSED);
	assert_int_equal(dial("::1", ports[3]), 0);
	listeners_free(second, NULL);
	assert_int_equal(open_fds(), before);
}

static void a_failure_leaves_the_old_ones(void **state _unused_)
{
	struct listener_set *first = NULL, *second = NULL;
	struct diag diag = { 0 };
	char expected[160];
	int before = open_fds();

	assert_int_equal(listeners_open(&generation, WORKERS, NULL, &diag, &first), 0);
	vips[0].redirect_http = ports[3];
	assert_int_equal(addr_parse("192.0.2.77", &vips[1].addr), 0);
	assert_int_equal(listeners_open(&generation, WORKERS, first, &diag, &second),
	                 -EADDRNOTAVAIL);
	assert_null(second);
	assert_int_equal(diag.errors, 1);
	snprintf(expected, sizeof(expected),
	         "vip six: cannot listen on 192.0.2.77:%u: Cannot assign requested address (is the "
	         "address on an "
	         "interface?)",
	         ports[2]);
	assert_string_equal(diag.entries[0].text, expected);
	diag_done(&diag);
	assert_int_equal(open_fds(), before + 3 * WORKERS);
	assert_int_equal(dial("127.0.0.1", ports[0]), 0);
	listeners_free(first, NULL);
}

static void somebody_else_listens(void **state _unused_)
{
	struct sockaddr_storage ss;
	struct listener_set *set = NULL;
	struct diag diag = { 0 };
	socklen_t len = addr_to_sockaddr(&vips[0].addr, ports[0], &ss);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(listeners_open(&generation, WORKERS, NULL, &diag, &set), -EADDRINUSE);
	assert_non_null(strstr(diag.entries[0].text, "another program listens there"));
	diag_done(&diag);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opens_one_a_worker, setup),
		cmocka_unit_test_setup(kernel_vips_have_none, setup),
		cmocka_unit_test_setup(a_reload_shares_and_closes, setup),
		cmocka_unit_test_setup(a_failure_leaves_the_old_ones, setup),
		cmocka_unit_test_setup(somebody_else_listens, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
