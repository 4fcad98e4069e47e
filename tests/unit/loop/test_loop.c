/* The event loop: order of timers, watches that end inside callbacks, wake-ups from elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/list.h"
#include "loop/loop.h"

struct mark {
	struct timer timer;
	int id;
	struct loop *loop;
	struct mark *stops; /* what the callback stops */
	int again;          /* how often the callback arms itself for now */
};

static int fired[4096];
static size_t n_fired;

static void on_mark(struct timer *timer)
{
	struct mark *mark = container_of(timer, struct mark, timer);

	assert_false(timer_armed(timer));
	fired[n_fired++] = mark->id;
	if (mark->stops != NULL)
		timer_stop(&mark->stops->timer);
	if (mark->again > 0) {
		mark->again--;
		timer_arm(timer, mark->loop, 0);
	}
}

static int setup(void **state)
{
	n_fired = 0;
	*state = loop_new();
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	loop_free(*state);
	return 0;
}

static void run_for(struct loop *loop, uint64_t ms)
{
	uint64_t until = clock_ms() + ms;

	while (clock_ms() < until)
		assert_int_equal(loop_once(loop, 5), 0);
}

static void timers_fire_in_order(void **state)
{
	static const int after[] = { 30, 5, 20, 1, 10, 25, 15 };
	static const int sorted[] = { 1, 5, 10, 15, 20, 25, 30 };
	struct mark marks[ARRAY_SIZE(after)] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		marks[i].id = after[i];
		marks[i].timer.on_expiry = on_mark;
		timer_arm(&marks[i].timer, *state, (uint64_t)after[i]);
	}
	run_for(*state, 60);
	assert_int_equal(n_fired, ARRAY_SIZE(after));
	for (size_t i = 0; i < ARRAY_SIZE(after); i++)
		assert_int_equal(fired[i], sorted[i]);
}

/* Thousands of arms, moves and stops: the heap must neither lose nor invent one, nor fire early. */
static void heap_survives_churn(void **state)
{
	enum {
		N = 2000
	};
	static struct mark marks[N];
	bool armed[N] = { false };
	size_t expected = 0;

	memset(marks, 0, sizeof(marks));
	srand(7);
	for (int i = 0; i < N; i++) {
		marks[i].id = i;
		marks[i].timer.on_expiry = on_mark;
	}
	for (int step = 0; step < 20 * N; step++) {
		int i = rand() % N;

		if (rand() % 3 == 0) {
			timer_stop(&marks[i].timer);
			armed[i] = false;
		} else {
			timer_arm(&marks[i].timer, *state, (uint64_t)(rand() % 40));
			armed[i] = true;
		}
	}
	uint64_t due[N];
	for (int i = 0; i < N; i++) {
		assert_int_equal(timer_armed(&marks[i].timer), armed[i]);
		due[i] = marks[i].timer.at_ms;
		expected += armed[i];
	}
	run_for(*state, 100);
	assert_int_equal(n_fired, expected);
	for (size_t i = 1; i < n_fired; i++)
		assert_true(due[fired[i - 1]] <= due[fired[i]]);
}

static void timer_moves_both_ways(void **state)
{
	struct mark a = { .id = 1, .timer.on_expiry = on_mark };
	struct mark b = { .id = 2, .timer.on_expiry = on_mark };

	timer_arm(&a.timer, *state, 5);
	timer_arm(&b.timer, *state, 30);
	timer_arm(&a.timer, *state, 40);
	timer_arm(&b.timer, *state, 10);
	run_for(*state, 20);
	assert_int_equal(n_fired, 1);
	assert_int_equal(fired[0], 2);
	run_for(*state, 40);
	assert_int_equal(n_fired, 2);
	assert_int_equal(fired[1], 1);
}

static void callback_stops_the_next_timer(void **state)
{
	struct mark second = { .id = 2, .timer.on_expiry = on_mark };
	struct mark first = { .id = 1, .timer.on_expiry = on_mark, .stops = &second };

	timer_arm(&first.timer, *state, 2);
	timer_arm(&second.timer, *state, 3);
	run_for(*state, 1);
	/* Both due in the same round. */
	usleep(10000);
	run_for(*state, 20);
	assert_int_equal(n_fired, 1);
	assert_int_equal(fired[0], 1);
	timer_stop(&second.timer); /* stopping twice is fine */
}

static void rearmed_for_now_waits_for_the_next_round(void **state)
{
	struct mark again = { .id = 1, .timer.on_expiry = on_mark, .again = 3, .loop = *state };
	struct mark others[3] = { 0 };

	/* Others in the heap must not give it more turns in one round. */
	for (int i = 0; i < 3; i++) {
		others[i].timer.on_expiry = on_mark;
		timer_arm(&others[i].timer, *state, 60000);
	}
	timer_arm(&again.timer, *state, 0);
	for (size_t round = 1; round <= 4; round++) {
		assert_int_equal(loop_once(*state, 0), 0);
		assert_int_equal(n_fired, round);
	}
	for (int i = 0; i < 3; i++)
		timer_stop(&others[i].timer);
}

/* ---- watches ---- */

struct peer {
	struct watch watch;
	int calls;
	uint32_t events;
	struct peer *stops;
};

static void on_peer(struct watch *watch, uint32_t events)
{
	struct peer *peer = container_of(watch, struct peer, watch);

	peer->calls++;
	peer->events = events;
	if (peer->stops != NULL)
		watch_stop(&peer->stops->watch);
}

static void watch_reports_edges(void **state)
{
	struct peer peer = { .watch.on_event = on_peer };
	int fds[2];
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(watch_start(&peer.watch, *state, fds[0], EPOLLIN | EPOLLET), 0);
	assert_int_equal(loop_once(*state, 0), 0);
	assert_int_equal(peer.calls, 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(loop_once(*state, 100), 0);
	assert_int_equal(loop_once(*state, 0), 0);
	assert_int_equal(peer.calls, 1);
	assert_true((peer.events & EPOLLIN) != 0);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(watch_change(&peer.watch, EPOLLOUT | EPOLLET), 0);
	assert_int_equal(loop_once(*state, 100), 0);
	assert_int_equal(peer.calls, 2);
	assert_true((peer.events & EPOLLOUT) != 0);
	watch_stop(&peer.watch);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(loop_once(*state, 10), 0);
	assert_int_equal(peer.calls, 2);
	watch_stop(&peer.watch);
	close(fds[0]);
	close(fds[1]);
}

/* Both are ready in one round; whoever comes first ends the other, which may be freed memory by then. */
static void watch_stopped_in_a_callback_stays_silent(void **state)
{
	struct peer a = { .watch.on_event = on_peer }, b = { .watch.on_event = on_peer };
	int fd_a = eventfd(1, EFD_NONBLOCK), fd_b = eventfd(1, EFD_NONBLOCK);

	a.stops = &b;
	b.stops = &a;
	assert_int_equal(watch_start(&a.watch, *state, fd_a, EPOLLIN | EPOLLET), 0);
	assert_int_equal(watch_start(&b.watch, *state, fd_b, EPOLLIN | EPOLLET), 0);
	assert_int_equal(loop_once(*state, 100), 0);
	assert_int_equal(a.calls + b.calls, 1);
	assert_int_equal(loop_once(*state, 0), 0);
	assert_int_equal(a.calls + b.calls, 1);
	close(fd_a);
	close(fd_b);
}

static void watch_may_stop_itself(void **state)
{
	struct peer a = { .watch.on_event = on_peer };
	int fd = eventfd(1, EFD_NONBLOCK);

	a.stops = &a;
	assert_int_equal(watch_start(&a.watch, *state, fd, EPOLLIN), 0);
	assert_int_equal(loop_once(*state, 100), 0);
	assert_int_equal(loop_once(*state, 0), 0);
	assert_int_equal(a.calls, 1);
	assert_null(a.watch.loop);
	close(fd);
}

static void watch_refuses_what_epoll_refuses(void **state)
{
	struct peer peer = { .watch.on_event = on_peer };

	assert_int_equal(watch_start(&peer.watch, *state, -1, EPOLLIN), -EBADF);
	assert_null(peer.watch.loop);
	watch_stop(&peer.watch);
}

/* ---- waking and stopping ---- */

static void *wake_later(void *loop)
{
	usleep(20000);
	loop_wake(loop);
	return NULL;
}

static void wake_ends_a_long_wait(void **state)
{
	uint64_t start = clock_ms();
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wake_later, *state), 0);
	assert_int_equal(loop_once(*state, 10000), 0);
	assert_true(clock_ms() - start < 5000);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* The wake-up is used up. */
	start = clock_ms();
	assert_int_equal(loop_once(*state, 30), 0);
	assert_true(clock_ms() - start >= 25);
}

static void stop_it(struct timer *timer)
{
	loop_stop(timer->loop);
}

static void stop_ends_run(void **state)
{
	struct timer timer = { .on_expiry = stop_it };

	timer_arm(&timer, *state, 5);
	assert_int_equal(loop_run(*state), 0);
	timer_arm(&timer, *state, 5);
	assert_int_equal(loop_run(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_fire_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(heap_survives_churn, setup, teardown),
		cmocka_unit_test_setup_teardown(timer_moves_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(callback_stops_the_next_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(rearmed_for_now_waits_for_the_next_round, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(watch_reports_edges, setup, teardown),
		cmocka_unit_test_setup_teardown(watch_stopped_in_a_callback_stays_silent, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(watch_may_stop_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(watch_refuses_what_epoll_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(wake_ends_a_long_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(stop_ends_run, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
