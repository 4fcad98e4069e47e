/* A generation made by hand, and a set of monitors that probes it, for tests. */
#ifndef SHUNT_TESTS_WORLD_H
#define SHUNT_TESTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/clock.h"
#include "maps/member.h"
#include "monitor/monitor.h"

#define WORLD_MAX 64

struct world {
	struct generation generation;
	struct backend backends[WORLD_MAX];
	struct member members[WORLD_MAX];
	struct monitor monitors[4];
	const struct monitor *used[4];
	struct pool pool;
	struct blob ca;
};

struct watcher {
	struct loop *loop;
	struct monitor_set *set;
	struct ipc_verdict verdicts[512];
	uint64_t at_ms[512];
	size_t n;
};

static inline void world_make(struct world *world, enum monitor_type type, const char *address,
                              uint16_t port)
{
	memset(world, 0, sizeof(*world));
	world->monitors[0] = (struct monitor){
		.name = "m",
		.type = type,
		.interval_ms = 200,
		.timeout_ms = 100,
		.fall = 3,
		.rise = 1,
		.expect_status = 200,
		.helo = "probe.test",
		.mail_from = "probe@test",
		.method = "GET",
		.path = "/",
	};
	world->used[0] = &world->monitors[0];
	world->backends[0].name = "b0";
	assert_int_equal(addr_parse(address, &world->backends[0].addr), 0);
	world->pool = (struct pool){ .name = "p",
		                     .members = world->members,
		                     .n_members = 1,
		                     .monitors = world->used,
		                     .n_monitors = 1 };
	world->members[0] = (struct member){
		.pool = &world->pool, .backend = &world->backends[0], .port = port, .weight = 1
	};
	world->generation = (struct generation){
		.number = 1,
		.backends = world->backends,
		.n_backends = 1,
		.monitors = world->monitors,
		.n_monitors = 1,
		.pools = &world->pool,
		.n_pools = 1,
		.members = world->members,
		.n_members = 1,
	};
}

/* The same content at other addresses: what a reload gives. */
static inline void world_copy(struct world *to, const struct world *from)
{
	memcpy(to, from, sizeof(*to));
	for (size_t i = 0; i < WORLD_MAX; i++) {
		if (to->members[i].pool == NULL)
			continue;
		to->members[i].pool = &to->pool;
		to->members[i].backend = &to->backends[from->members[i].backend - from->backends];
	}
	for (size_t i = 0; i < from->pool.n_monitors; i++)
		to->used[i] = &to->monitors[from->used[i] - from->monitors];
	for (size_t i = 0; i < 4; i++)
		if (from->monitors[i].tls.ca == &from->ca)
			to->monitors[i].tls.ca = &to->ca;
	to->pool.members = to->members;
	to->pool.monitors = to->used;
	to->generation.backends = to->backends;
	to->generation.monitors = to->monitors;
	to->generation.pools = &to->pool;
	to->generation.members = to->members;
	to->generation.number++;
}

static inline void world_trust(struct world *world, const char *pem, const char *name)
{
	world->ca.bytes = (const uint8_t *)pem;
	world->ca.len = strlen(pem);
	world->monitors[0].tls = (struct tls_client_conf){
		.enabled = true, .verify = true, .ca = &world->ca, .name = name
	};
	/* The handshake takes its time under the sanitizers. */
	world->monitors[0].timeout_ms = 1500;
	world->monitors[0].interval_ms = 2000;
}

static inline void on_verdict(void *owner, const struct ipc_verdict *verdict)
{
	struct watcher *watcher = owner;

	assert_true(watcher->n < ARRAY_SIZE(watcher->verdicts));
	assert_non_null(memchr(verdict->text, '\0', sizeof(verdict->text)));
	assert_non_null(memchr(verdict->excerpt, '\0', sizeof(verdict->excerpt)));
	for (const char *c = verdict->excerpt; *c != '\0'; c++)
		assert_in_range((unsigned char)*c, 0x20, 0x7e);
	watcher->at_ms[watcher->n] = clock_ms();
	watcher->verdicts[watcher->n++] = *verdict;
}

static inline void watcher_start(struct watcher *watcher, const struct world *world)
{
	memset(watcher, 0, sizeof(*watcher));
	watcher->loop = loop_new();
	assert_non_null(watcher->loop);
	assert_int_equal(monitor_set_new(watcher->loop, on_verdict, watcher, &watcher->set), 0);
	assert_int_equal(monitor_set_generation(watcher->set, &world->generation), 0);
}

static inline void watcher_stop(struct watcher *watcher)
{
	monitor_set_free(watcher->set);
	loop_free(watcher->loop);
}

/* Run until there are n verdicts, or fail after five seconds. */
static inline const struct ipc_verdict *watcher_wait(struct watcher *watcher, size_t n)
{
	uint64_t until = clock_ms() + 5000;

	while (watcher->n < n) {
		if (clock_ms() > until)
			fail_msg("%zu verdicts instead of %zu", watcher->n, n);
		assert_int_equal(loop_once(watcher->loop, 50), 0);
	}
	return &watcher->verdicts[n - 1];
}

static inline void watcher_run(struct watcher *watcher, uint64_t ms)
{
	uint64_t until = clock_ms() + ms;

	while (clock_ms() < until)
		assert_int_equal(loop_once(watcher->loop, 5), 0);
}

#endif
