/* Plain streams against sockets of this process: both families, refusals, ends, and peers that have gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include "base/clock.h"
#include "base/list.h"
#include "net/stream.h"

struct end {
	struct stream stream;
	int calls;
	uint32_t events;
	bool close_at_once;
};

static struct loop *loop;

static void on_ready(struct stream *stream, uint32_t events)
{
	struct end *end = container_of(stream, struct end, stream);

	end->calls++;
	end->events |= events;
	if (end->close_at_once)
		stream_close(stream);
}

static int setup(void **state _unused_)
{
	loop = loop_new();
	return loop != NULL ? 0 : -1;
}

static int teardown(void **state _unused_)
{
	loop_free(loop);
	return 0;
}

static struct addr address(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static int listen_on(const char *text, uint16_t *ret_port)
{
	struct addr addr = address(text);
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&addr, 0, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	len = sizeof(ss);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_int_equal(addr_from_sockaddr(&ss, &addr, ret_port), 0);
	return fd;
}

static int wait_connected(struct end *end)
{
	uint64_t until = clock_ms() + 5000;
	int r = -EAGAIN;

	while (r == -EAGAIN && clock_ms() < until) {
		assert_int_equal(loop_once(loop, 50), 0);
		r = stream_connected(&end->stream);
	}
	return r;
}

/* A connected pair: our stream and a plain blocking socket. */
static int connect_pair(struct end *end, const char *text)
{
	struct addr addr = address(text);
	uint16_t port;
	int listener = listen_on(text, &port), fd;

	memset(end, 0, sizeof(*end));
	assert_int_equal(stream_connect(&end->stream, loop, &addr, port, NULL, on_ready), 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(wait_connected(end), 0);
	close(listener);
	return fd;
}

static void talks_over(const char *text)
{
	struct addr want = address(text), addr;
	struct end end;
	int fd = connect_pair(&end, text);
	char buf[16];
	uint16_t port;

	assert_true((end.events & EPOLLOUT) != 0);
	assert_int_equal(stream_handshake(&end.stream), 0);
	assert_int_equal(stream_read(&end.stream, buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(stream_write(&end.stream, "ping", 4), 4);
	assert_int_equal(read(fd, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "ping", 4);
	end.events = 0;
	assert_int_equal(write(fd, "pong!", 5), 5);
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_true((end.events & EPOLLIN) != 0);
	assert_int_equal(stream_read(&end.stream, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "pong!", 5);
	assert_int_equal(stream_peer(&end.stream, &addr, &port), 0);
	assert_true(addr_equal(&addr, &want));
	assert_int_not_equal(port, 0);
	assert_int_equal(stream_local(&end.stream, &addr, &port), 0);
	assert_true(addr_equal(&addr, &want));
	stream_close(&end.stream);
	assert_int_equal(read(fd, buf, sizeof(buf)), 0);
	close(fd);
}

static void talks_over_ipv4(void **state _unused_)
{
	talks_over("127.0.0.1");
}

static void talks_over_ipv6(void **state _unused_)
{
	talks_over("::1");
}

static void refused_is_told(void **state _unused_)
{
	struct addr addr = address("127.0.0.1");
	struct end end = { 0 };
	uint16_t port;
	int r;

	close(listen_on("127.0.0.1", &port));
	r = stream_connect(&end.stream, loop, &addr, port, NULL, on_ready);
	if (r == 0) {
		assert_int_equal(wait_connected(&end), -ECONNREFUSED);
		assert_int_equal(stream_connected(&end.stream), -ENOTCONN);
	} else {
		assert_int_equal(r, -ECONNREFUSED);
	}
	stream_close(&end.stream);
	stream_close(&end.stream);
}

static void source_address_is_used(void **state _unused_)
{
	struct addr addr = address("127.0.0.1"), source = address("127.0.0.77"), got;
	struct end end = { 0 };
	uint16_t port;
	int listener = listen_on("127.0.0.1", &port);

	assert_int_equal(stream_connect(&end.stream, loop, &addr, port, &source, on_ready), 0);
	assert_int_equal(wait_connected(&end), 0);
	assert_int_equal(stream_local(&end.stream, &got, &port), 0);
	assert_true(addr_equal(&got, &source));
	stream_close(&end.stream);
	close(listener);
}

/* An address that is not ours, and one of the other family: told at once, nothing left open. */
static void bad_source_is_refused(void **state _unused_)
{
	struct addr addr = address("127.0.0.1"), foreign = address("192.0.2.1"),
		    v6 = address("::1");
	struct end end = { 0 };
	int before = dup(0), after;

	close(before);
	assert_int_equal(stream_connect(&end.stream, loop, &addr, 9, &foreign, on_ready),
	                 -EADDRNOTAVAIL);
	assert_true(stream_connect(&end.stream, loop, &addr, 9, &v6, on_ready) < 0);
	stream_close(&end.stream);
	after = dup(0);
	assert_int_equal(before, after);
	close(after);
}

static void half_close_and_end(void **state _unused_)
{
	struct end end;
	int fd = connect_pair(&end, "127.0.0.1");
	char buf[8];

	assert_int_equal(stream_shutdown(&end.stream), 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), 0);
	/* The other direction goes on. */
	assert_int_equal(write(fd, "x", 1), 1);
	end.events = 0;
	close(fd);
	while ((end.events & EPOLLIN) == 0)
		assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(stream_read(&end.stream, buf, sizeof(buf)), 1);
	assert_int_equal(stream_read(&end.stream, buf, sizeof(buf)), 0);
	assert_int_equal(stream_read(&end.stream, buf, 0), -EINVAL);
	stream_close(&end.stream);
	assert_int_equal(stream_shutdown(&end.stream), -ENOTCONN);
}

static void reset_wakes_both_directions(void **state _unused_)
{
	struct linger now = { .l_onoff = 1 };
	struct end end;
	int fd = connect_pair(&end, "127.0.0.1");
	char buf[8];

	end.events = 0;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(end.events & (EPOLLIN | EPOLLOUT), EPOLLIN | EPOLLOUT);
	assert_int_equal(stream_read(&end.stream, buf, sizeof(buf)), -ECONNRESET);
	stream_close(&end.stream);
}

/* SIGPIPE keeps its default here: it would end this program. */
static void writing_to_the_gone_is_an_error(void **state _unused_)
{
	struct linger now = { .l_onoff = 1 };
	struct end end;
	int fd = connect_pair(&end, "127.0.0.1");
	ssize_t n;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
	assert_int_equal(loop_once(loop, 1000), 0);
	do
		n = stream_write(&end.stream, "x", 1);
	while (n > 0);
	assert_true(n == -ECONNRESET || n == -EPIPE);
	assert_int_equal(stream_write(&end.stream, "x", 1), -EPIPE);
	stream_close(&end.stream);
}

static void full_pipe_would_block(void **state _unused_)
{
	static char block[65536];
	struct end end;
	int fd = connect_pair(&end, "127.0.0.1");
	size_t sent = 0, got = 0;
	ssize_t n;

	while ((n = stream_write(&end.stream, block, sizeof(block))) > 0)
		sent += (size_t)n;
	assert_int_equal(n, -EAGAIN);
	assert_int_equal(loop_once(loop, 0), 0);
	end.events = 0;
	while (got < sent) {
		n = read(fd, block, sizeof(block));
		assert_true(n > 0);
		got += (size_t)n;
	}
	while ((end.events & EPOLLOUT) == 0)
		assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(stream_write(&end.stream, "x", 1), 1);
	stream_close(&end.stream);
	close(fd);
}

static void closing_inside_the_callback(void **state _unused_)
{
	struct end end;
	int fd = connect_pair(&end, "127.0.0.1");
	int calls;

	end.close_at_once = true;
	assert_int_equal(write(fd, "x", 1), 1);
	calls = end.calls;
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(end.calls, calls + 1);
	assert_null(end.stream.watch.loop);
	assert_int_equal(loop_once(loop, 10), 0);
	assert_int_equal(end.calls, calls + 1);
	stream_close(&end.stream);
	close(fd);
}

static void crossed_events_mean_both(void **state _unused_)
{
	struct end end;
	int fd = connect_pair(&end, "127.0.0.1");

	end.events = 0;
	end.stream.crossed = EPOLLIN;
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(end.events & (EPOLLIN | EPOLLOUT), EPOLLIN | EPOLLOUT);
	stream_close(&end.stream);
	close(fd);
}

static void a_stream_that_cannot_open_closes_its_socket(void **state _unused_)
{
	char path[] = "/tmp/shunt-stream-XXXXXX";
	struct end end = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	/* epoll refuses regular files. */
	assert_int_equal(stream_open(&end.stream, loop, fd, on_ready), -EPERM);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	stream_close(&end.stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(talks_over_ipv4, setup, teardown),
		cmocka_unit_test_setup_teardown(talks_over_ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(source_address_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_source_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(half_close_and_end, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_wakes_both_directions, setup, teardown),
		cmocka_unit_test_setup_teardown(writing_to_the_gone_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(full_pipe_would_block, setup, teardown),
		cmocka_unit_test_setup_teardown(closing_inside_the_callback, setup, teardown),
		cmocka_unit_test_setup_teardown(crossed_events_mean_both, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stream_that_cannot_open_closes_its_socket, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
