/* Epoll and a binary heap of deadlines. */
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include "base/clock.h"

#define EVENTS_PER_ROUND 256

struct loop {
	int epoll_fd;
	int wake_fd;
	bool stopping;
	uint64_t now_ms;
	uint64_t round;
	struct timer **heap; /* heap[0] is due first */
	size_t n_timers;
	size_t timers_size;
	struct epoll_event events[EVENTS_PER_ROUND];
	int n_events; /* of the round in progress */
	int at_event;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct epoll_event event = { .events = EPOLLIN };

	if (loop == NULL)
		return NULL;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->now_ms = clock_ms();
	if (loop->epoll_fd < 0 || loop->wake_fd < 0)
		return loop_free(loop);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) < 0)
		return loop_free(loop);
	return loop;
}

struct loop *loop_free(struct loop *loop)
{
	if (loop == NULL)
		return NULL;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	free(loop->heap);
	free(loop);
	return NULL;
}

static bool due_before(const struct timer *a, const struct timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->round < b->round;
}

static void heap_put(struct loop *loop, size_t i, struct timer *timer)
{
	loop->heap[i] = timer;
	timer->heap_index = i;
}

static void heap_up(struct loop *loop, size_t i)
{
	struct timer *timer = loop->heap[i];

	while (i > 0 && due_before(timer, loop->heap[(i - 1) / 2])) {
		heap_put(loop, i, loop->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(loop, i, timer);
}

static void heap_down(struct loop *loop, size_t i)
{
	struct timer *timer = loop->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= loop->n_timers)
			break;
		if (child + 1 < loop->n_timers &&
		    due_before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!due_before(loop->heap[child], timer))
			break;
		heap_put(loop, i, loop->heap[child]);
		i = child;
	}
	heap_put(loop, i, timer);
}

void timer_arm(struct timer *timer, struct loop *loop, uint64_t after_ms)
{
	uint64_t at = loop->now_ms + after_ms;

	timer->loop = loop;
	timer->round = loop->round;
	if (timer->at_ms != 0) {
		uint64_t was = timer->at_ms;

		timer->at_ms = at;
		if (at < was)
			heap_up(loop, timer->heap_index);
		else
			heap_down(loop, timer->heap_index);
		return;
	}
	if (loop->n_timers == loop->timers_size) {
		size_t size = loop->timers_size > 0 ? loop->timers_size * 2 : 64;
		struct timer **grown = realloc(loop->heap, size * sizeof(struct timer *));

		/* A deadline that is silently lost would hang a connection for ever. */
		if (grown == NULL)
			abort();
		loop->heap = grown;
		loop->timers_size = size;
	}
	timer->at_ms = at;
	heap_put(loop, loop->n_timers, timer);
	heap_up(loop, loop->n_timers++);
}

void timer_stop(struct timer *timer)
{
	struct loop *loop = timer->loop;
	size_t i = timer->heap_index;

	if (timer->at_ms == 0)
		return;
	timer->at_ms = 0;
	loop->n_timers--;
	if (i == loop->n_timers)
		return;
	heap_put(loop, i, loop->heap[loop->n_timers]);
	heap_down(loop, i);
	heap_up(loop, loop->heap[i]->heap_index);
}

int watch_start(struct watch *watch, struct loop *loop, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	watch->loop = loop;
	watch->fd = fd;
	return 0;
}

int watch_change(struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
		return -errno;
	return 0;
}

void watch_stop(struct watch *watch)
{
	struct loop *loop = watch->loop;

	if (loop == NULL)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	/* Events of this round that were already fetched must not reach a watch that may be freed. */
	for (int i = loop->at_event + 1; i < loop->n_events; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
	watch->loop = NULL;
	watch->fd = -1;
}

static int wait_ms(const struct loop *loop, int timeout_ms)
{
	uint64_t due;

	if (loop->n_timers == 0)
		return timeout_ms;
	due = loop->heap[0]->at_ms;
	due = due > loop->now_ms ? due - loop->now_ms : 0;
	if (timeout_ms >= 0 && due > (uint64_t)timeout_ms)
		return timeout_ms;
	return due > 60000 ? 60000 : (int)due;
}

static void run_events(struct loop *loop)
{
	for (loop->at_event = 0; loop->at_event < loop->n_events; loop->at_event++) {
		struct epoll_event *event = &loop->events[loop->at_event];
		struct watch *watch = event->data.ptr;
		uint64_t drained;

		if (watch != NULL)
			watch->on_event(watch, event->events);
		else if (read(loop->wake_fd, &drained, sizeof(drained)) < 0)
			continue;
	}
	loop->n_events = 0;
}

static void run_timers(struct loop *loop)
{
	/* Timers armed by a callback for "now" wait for the next round, so that the sockets get their turn. They are the
	 * last of those that are due: all others were armed earlier. */
	while (loop->n_timers > 0) {
		struct timer *timer = loop->heap[0];

		if (timer->at_ms > loop->now_ms || timer->round == loop->round)
			return;
		timer_stop(timer);
		timer->on_expiry(timer);
	}
}

int loop_once(struct loop *loop, int timeout_ms)
{
	int n;

	loop->round++;
	loop->now_ms = clock_ms();
	n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_PER_ROUND, wait_ms(loop, timeout_ms));
	loop->now_ms = clock_ms();
	if (n < 0 && errno != EINTR)
		return -errno;
	loop->n_events = n > 0 ? n : 0;
	run_events(loop);
	run_timers(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping) {
		int r = loop_once(loop, -1);

		if (r < 0)
			return r;
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

void loop_wake(struct loop *loop)
{
	uint64_t one = 1;

	if (write(loop->wake_fd, &one, sizeof(one)) < 0)
		return;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now_ms;
}
