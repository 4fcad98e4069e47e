/* A small generation built by hand, and weak stand-ins for rooms that control asks, so that these tests need no YAML and
 * no kernel. */
#ifndef SHUNT_TEST_HOUSE_H
#define SHUNT_TEST_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "control/control.h"

/* Two pools of two backends; pool 0 ("smtp") has monitors 0 and 1, pool 1 ("web") has none. One vip of each plane. */
struct house {
	struct generation generation;
	struct monitor monitors[2];
	const struct monitor *pool_monitors[2];
	struct backend backends[2];
	struct pool pools[2];
	struct member members[4];
	struct route routes[3];
	uint16_t ports[2];
	struct vip vips[2];
	struct interface interfaces[1];
};

static void house_pool(struct house *house, uint32_t index, const char *name)
{
	struct pool *pool = &house->pools[index];

	pool->name = name;
	pool->index = index;
	pool->members = &house->members[2 * index];
	pool->n_members = 2;
	for (uint32_t i = 0; i < 2; i++) {
		struct member *member = &pool->members[i];

		member->index = 2 * index + i;
		member->pool = pool;
		member->backend = &house->backends[i];
		member->weight = 1;
		member->probe_port = 25;
	}
}

static void house_build(struct house *house, uint64_t number)
{
	memset(house, 0, sizeof(*house));
	house->backends[0] = (struct backend){ .name = "ex01", .index = 0 };
	house->backends[1] = (struct backend){ .name = "ex02", .index = 1 };
	assert_int_equal(addr_parse("10.0.1.11", &house->backends[0].addr), 0);
	assert_int_equal(addr_parse("2001:db8::12", &house->backends[1].addr), 0);
	house->monitors[0] =
		(struct monitor){ .name = "smtp", .type = MONITOR_smtp, .fall = 3, .rise = 1 };
	house->monitors[1] = (struct monitor){ .name = "tcp", .type = MONITOR_tcp, .port = 587 };
	house_pool(house, 0, "smtp");
	house_pool(house, 1, "web");
	house->pool_monitors[0] = &house->monitors[0];
	house->pool_monitors[1] = &house->monitors[1];
	house->pools[0].monitors = house->pool_monitors;
	house->pools[0].n_monitors = 2;
	house->pools[0].persistence =
		(struct persistence){ .type = PERSIST_SOURCE_IP, .timeout_s = 1800 };
	house->ports[0] = 25;
	house->ports[1] = 443;
	house->vips[0] = (struct vip){ .name = "mail",
		                       .index = 0,
		                       .plane = PLANE_KERNEL,
		                       .pool = &house->pools[0],
		                       .ports = &house->ports[0],
		                       .n_ports = 1 };
	house->routes[1].pool = house->routes[2].pool = &house->pools[1];
	house->vips[1] = (struct vip){ .name = "portal",
		                       .index = 1,
		                       .plane = PLANE_PROXY,
		                       .routes = house->routes,
		                       .n_routes = 3,
		                       .ports = &house->ports[1],
		                       .n_ports = 1,
		                       .redirect_http = 80 };
	house->interfaces[0] = (struct interface){ .name = "eth0" };
	house->generation = (struct generation){
		.number = number,
		.backends = house->backends,
		.n_backends = 2,
		.monitors = house->monitors,
		.n_monitors = 2,
		.pools = house->pools,
		.n_pools = 2,
		.members = house->members,
		.n_members = 4,
		.vips = house->vips,
		.n_vips = 2,
		.interfaces = house->interfaces,
		.n_interfaces = 1,
	};
}

static inline struct ipc_verdict house_verdict(uint64_t number, uint32_t member, uint32_t monitor,
                                               bool ok)
{
	struct ipc_verdict verdict = { .generation = number,
		                       .member = member,
		                       .monitor = monitor,
		                       .ok = ok,
		                       .health = ok ? MEMBER_UP : MEMBER_DOWN,
		                       .stage = ok ? STAGE_DONE : STAGE_RECEIVE,
		                       .run = 1,
		                       .took_us = 900 };

	if (!ok) {
		strncpy(verdict.text, "421 instead of 220", sizeof(verdict.text) - 1);
		strncpy(verdict.excerpt, "421 4.3.2 no", sizeof(verdict.excerpt) - 1);
	}
	return verdict;
}

#endif
