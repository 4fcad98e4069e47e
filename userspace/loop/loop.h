/* The event loop of one thread: edge-triggered epoll and timers. Nothing here may be called from another thread,
 * except loop_wake(). */
#ifndef SHUNT_LOOP_LOOP_H
#define SHUNT_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include "base/cleanup.h"

struct loop;
struct watch;
struct timer;

/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP as epoll says. */
typedef void (*watch_fn)(struct watch *watch, uint32_t events);
typedef void (*timer_fn)(struct timer *timer);

/* A watched descriptor, embedded in its owner (container_of). */
struct watch {
	struct loop *loop; /* NULL: not watched */
	int fd;
	watch_fn on_event;
};

/* A deadline, embedded in its owner. */
struct timer {
	struct loop *loop; /* NULL: never armed */
	uint64_t at_ms;    /* 0: not armed */
	uint64_t round;    /* in which it was armed: it fires in a later one */
	size_t heap_index;
	timer_fn on_expiry;
};

/* A new loop; NULL when a descriptor or memory is missing (errno says). */
struct loop *loop_new(void);
struct loop *loop_free(struct loop *loop);
/* Run until loop_stop(). Returns 0, or a negative errno when epoll itself fails. */
int loop_run(struct loop *loop);
/* One round: wait at most timeout_ms (-1: for ever), then run what is ready. */
int loop_once(struct loop *loop, int timeout_ms);
void loop_stop(struct loop *loop);
/* Make loop_once() return soon; safe from any thread and from signal handlers. */
void loop_wake(struct loop *loop);
/* Milliseconds (monotonic) at the start of this round: no system call. */
uint64_t loop_now(const struct loop *loop);

/* Start watching fd with the given epoll events (add EPOLLET for edge-triggered). watch->on_event must be set. */
int watch_start(struct watch *watch, struct loop *loop, int fd, uint32_t events) _must_check_;
int watch_change(struct watch *watch, uint32_t events) _must_check_;
/* Stop watching; the descriptor stays open. Safe inside any callback of this round: no event follows. */
void watch_stop(struct watch *watch);

/* Arm or move a timer to fire after_ms from now; 0 fires in the next round. Cheap when it only moves later. */
void timer_arm(struct timer *timer, struct loop *loop, uint64_t after_ms);
void timer_stop(struct timer *timer);
static inline bool timer_armed(const struct timer *timer)
{
	return timer->at_ms != 0;
}

static inline void loop_freep(struct loop **loop)
{
	loop_free(*loop);
}

#endif
