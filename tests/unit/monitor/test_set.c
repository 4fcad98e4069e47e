/* When members are probed, how outcomes become health, and what a new generation keeps. */
#include <signal.h>
#include <sys/resource.h>
#include "unit/monitor/fake.h"
#include "unit/monitor/world.h"

static const char *const holds[] = { "W", NULL };

static void fake_stop_listening(struct fake *fake)
{
	fake_stop(fake);
	memset(fake, 0, sizeof(*fake));
}

/* The same port again, after fake_stop_listening(). */
static void fake_listen_again(struct fake *fake, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(fake, 0, sizeof(*fake));
	fake->script = holds;
	fake->port = port;
	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fake->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fake->listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fake->listener, 64), 0);
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
}

static void fall_and_rise(void **state _unused_)
{
	struct watcher watcher;
	struct world world;
	struct fake fake;
	uint16_t port;
	size_t n;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	port = fake.port;
	world_make(&world, MONITOR_tcp, "127.0.0.1", port);
	world.monitors[0].interval_ms = 60;
	world.monitors[0].timeout_ms = 50;
	world.monitors[0].rise = 2;
	watcher_start(&watcher, &world);
	/* Unknown until it has risen. */
	assert_int_equal(watcher_wait(&watcher, 1)->health, MEMBER_UNKNOWN);
	assert_int_equal(watcher_wait(&watcher, 2)->health, MEMBER_UP);
	assert_int_equal(watcher_wait(&watcher, 3)->run, 3);
	fake_stop_listening(&fake);
	n = watcher.n;
	while (watcher.verdicts[n - 1].ok)
		watcher_wait(&watcher, ++n);
	/* The third failure in a row is its fall. */
	assert_int_equal(watcher.verdicts[n - 1].run, 1);
	assert_int_equal(watcher.verdicts[n - 1].health, MEMBER_UP);
	assert_int_equal(watcher_wait(&watcher, n + 1)->health, MEMBER_UP);
	assert_int_equal(watcher_wait(&watcher, n + 2)->health, MEMBER_DOWN);
	assert_int_equal(watcher_wait(&watcher, n + 2)->run, 3);
	assert_int_equal(watcher_wait(&watcher, n + 3)->health, MEMBER_DOWN);
	fake_listen_again(&fake, port);
	n = watcher.n;
	while (!watcher.verdicts[n - 1].ok)
		watcher_wait(&watcher, ++n);
	assert_int_equal(watcher.verdicts[n - 1].health, MEMBER_DOWN);
	assert_int_equal(watcher.verdicts[n - 1].run, 1);
	assert_int_equal(watcher_wait(&watcher, n + 1)->health, MEMBER_UP);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

static void unknown_falls_too(void **state _unused_)
{
	struct watcher watcher;
	struct world world;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	fake_stop(&fake);
	world_make(&world, MONITOR_tcp, "127.0.0.1", fake.port);
	world.monitors[0].interval_ms = 30;
	world.monitors[0].timeout_ms = 20;
	watcher_start(&watcher, &world);
	assert_int_equal(watcher_wait(&watcher, 2)->health, MEMBER_UNKNOWN);
	assert_int_equal(watcher_wait(&watcher, 3)->health, MEMBER_DOWN);
	watcher_stop(&watcher);
}

static void interval_is_kept(void **state _unused_)
{
	struct watcher watcher;
	struct world world;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&world, MONITOR_tcp, "127.0.0.1", fake.port);
	watcher_start(&watcher, &world);
	watcher_wait(&watcher, 4);
	/* 200 ms each; early by less than a tick, late by what the machine is busy. */
	assert_true(watcher.at_ms[3] - watcher.at_ms[0] >= 590);
	assert_true(watcher.at_ms[3] - watcher.at_ms[0] < 1500);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

/* Many new members: all within one interval, not all at once, and from then on spread. */
static void new_members_are_spread(void **state _unused_)
{
	enum {
		N = 20
	};
	struct watcher watcher;
	struct world world;
	struct fake fake;
	size_t seen[N] = { 0 };

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&world, MONITOR_tcp, "127.0.0.1", fake.port);
	world.monitors[0].interval_ms = 1000;
	world.monitors[0].timeout_ms = 900;
	for (uint32_t i = 0; i < N; i++) {
		static char names[N][8];

		snprintf(names[i], sizeof(names[i]), "b%u", i);
		world.backends[i] = world.backends[0];
		world.backends[i].name = names[i];
		world.members[i] = world.members[0];
		world.members[i].index = i;
		world.members[i].backend = &world.backends[i];
	}
	world.pool.n_members = world.generation.n_members = N;
	watcher_start(&watcher, &world);
	watcher_wait(&watcher, N);
	assert_true(watcher.at_ms[N - 1] - watcher.at_ms[0] < 1000);
	assert_true(watcher.at_ms[N - 1] - watcher.at_ms[0] >= 150);
	watcher_wait(&watcher, 2 * N);
	/* The second round takes about half an interval. */
	assert_true(watcher.at_ms[2 * N - 1] - watcher.at_ms[N] >= 200);
	for (size_t i = 0; i < 2 * N; i++)
		seen[watcher.verdicts[i].member]++;
	for (size_t i = 0; i < N; i++)
		assert_int_equal(seen[i], 2);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

static void probe_now(void **state _unused_)
{
	struct watcher watcher;
	struct world world;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&world, MONITOR_tcp, "127.0.0.1", fake.port);
	world.monitors[0].interval_ms = 60000;
	watcher_start(&watcher, &world);
	watcher_wait(&watcher, 1);
	monitor_set_probe_now(watcher.set, 7);
	watcher_run(&watcher, 50);
	assert_int_equal(watcher.n, 1);
	monitor_set_probe_now(watcher.set, 0);
	assert_int_equal(watcher_wait(&watcher, 2)->run, 2);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

/* Asking again and again must not keep a slow probe from ever ending. */
static void probe_now_does_not_starve(void **state _unused_)
{
	struct watcher watcher;
	struct world world;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&world, MONITOR_smtp, "127.0.0.1", fake.port);
	watcher_start(&watcher, &world);
	for (int i = 0; i < 30 && watcher.n == 0; i++) {
		monitor_set_probe_now(watcher.set, 0);
		watcher_run(&watcher, 20);
	}
	assert_int_equal(watcher.n, 1);
	assert_string_equal(watcher.verdicts[0].text, "timed out after 100 ms");
	watcher_stop(&watcher);
	fake_stop(&fake);
}

/* ---- generations ---- */

struct change {
	const char *name;
	void (*apply)(struct world *world);
	bool kept;
};

static void nothing(struct world *world _unused_)
{
}

static void new_timing(struct world *world)
{
	world->monitors[0].interval_ms = 300;
	world->monitors[0].timeout_ms = 90;
	world->monitors[0].fall = 5;
	world->monitors[0].rise = 4;
}

static void new_path(struct world *world)
{
	world->monitors[0].path = "/other";
}

static void new_type(struct world *world)
{
	world->monitors[0].type = MONITOR_smtp;
}

static void new_backend_name(struct world *world)
{
	world->backends[0].name = "other";
}

static void new_address(struct world *world)
{
	assert_int_equal(addr_parse("127.0.0.2", &world->backends[0].addr), 0);
}

static void new_pool_name(struct world *world)
{
	world->pool.name = "other";
}

static void new_port(struct world *world)
{
	world->monitors[0].port = 9;
}

static void with_tls(struct world *world)
{
	world->monitors[0].tls = (struct tls_client_conf){ .enabled = true };
}

/* The member moves to other places in the tables. */
static void new_indexes(struct world *world)
{
	world->members[3] = world->members[0];
	world->members[3].index = 3;
	world->backends[5] = world->backends[0];
	world->members[3].backend = &world->backends[5];
	world->members[0].backend = &world->backends[1];
	world->backends[1].name = "fresh";
	world->backends[1].addr = world->backends[0].addr;
	world->members[1] = world->members[2] = world->members[0];
	world->members[1].index = 1;
	world->members[1].port = 1;
	world->members[2].index = 2;
	world->members[2].port = 2;
	world->pool.n_members = world->generation.n_members = 4;
	world->monitors[2] = world->monitors[0];
	world->used[0] = &world->monitors[2];
}

static void generation_keeps_history(void **state _unused_)
{
	static const struct change changes[] = {
		{ "nothing", nothing, true },      { "timing", new_timing, true },
		{ "indexes", new_indexes, true },  { "path", new_path, false },
		{ "type", new_type, false },       { "backend", new_backend_name, false },
		{ "address", new_address, false }, { "pool", new_pool_name, false },
		{ "port", new_port, false },       { "tls", with_tls, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct world *first = malloc(sizeof(*first)), *second = malloc(sizeof(*second));
		const struct ipc_verdict *verdict = NULL;
		struct watcher watcher;
		struct fake fake;

		fake_start(&fake, "127.0.0.1", NULL, holds);
		world_make(first, MONITOR_tcp, "127.0.0.1", fake.port);
		watcher_start(&watcher, first);
		watcher_wait(&watcher, 2);
		world_copy(second, first);
		changes[i].apply(second);
		assert_int_equal(monitor_set_generation(watcher.set, &second->generation), 0);
		/* Nothing may look at the old one any more. */
		memset(first, 0xee, sizeof(*first));
		free(first);
		for (size_t n = 2; verdict == NULL; n++) {
			const struct ipc_verdict *next = watcher_wait(&watcher, n + 1);

			if (i != 2 || next->member == 3)
				verdict = next;
		}
		if (verdict->run != (changes[i].kept ? 3u : 1u))
			fail_msg("%s: run %u", changes[i].name, verdict->run);
		assert_int_equal(verdict->generation, 2);
		assert_int_equal(verdict->monitor, i == 2 ? 2 : 0);
		if (changes[i].kept)
			assert_int_equal(verdict->health, MEMBER_UP);
		watcher_stop(&watcher);
		fake_stop(&fake);
		free(second);
	}
}

/* A probe under way goes on across a generation, and its verdict speaks of the new one. */
static void probe_under_way_survives(void **state _unused_)
{
	struct world *first = malloc(sizeof(*first)), *second = malloc(sizeof(*second));
	struct watcher watcher;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(first, MONITOR_smtp, "127.0.0.1", fake.port);
	watcher_start(&watcher, first);
	watcher_run(&watcher, 40);
	assert_int_equal(fake.connections, 1);
	world_copy(second, first);
	assert_int_equal(monitor_set_generation(watcher.set, &second->generation), 0);
	memset(first, 0xee, sizeof(*first));
	free(first);
	const struct ipc_verdict *verdict = watcher_wait(&watcher, 1);
	assert_int_equal(verdict->generation, 2);
	assert_string_equal(verdict->text, "timed out after 100 ms");
	assert_int_equal(fake.connections, 1);
	watcher_stop(&watcher);
	fake_stop(&fake);
	free(second);
}

/* The member is gone in the middle of its probe: no verdict, no connection left. */
static void removed_members_are_forgotten(void **state _unused_)
{
	struct world first, second;
	struct watcher watcher;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&first, MONITOR_smtp, "127.0.0.1", fake.port);
	watcher_start(&watcher, &first);
	watcher_run(&watcher, 40);
	world_copy(&second, &first);
	second.generation.n_members = second.pool.n_members = 0;
	assert_int_equal(monitor_set_generation(watcher.set, &second.generation), 0);
	watcher_run(&watcher, 300);
	assert_int_equal(watcher.n, 0);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

static void every_monitor_of_a_pool(void **state _unused_)
{
	struct watcher watcher;
	struct world world;
	struct fake fake;
	unsigned seen[2] = { 0 };

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&world, MONITOR_tcp, "127.0.0.1", fake.port);
	world.monitors[1] = world.monitors[0];
	world.monitors[1].name = "n";
	world.monitors[1].port = 1;
	world.used[1] = &world.monitors[1];
	world.pool.n_monitors = world.generation.n_monitors = 2;
	watcher_start(&watcher, &world);
	watcher_wait(&watcher, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(watcher.verdicts[i].ok, watcher.verdicts[i].monitor == 0);
		seen[watcher.verdicts[i].monitor]++;
	}
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[1], 1);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

static void port_of_the_vip_is_the_last_resort(void **state _unused_)
{
	struct watcher watcher;
	struct world world;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&world, MONITOR_tcp, "127.0.0.1", 0);
	world.members[0].probe_port = fake.port;
	watcher_start(&watcher, &world);
	assert_true(watcher_wait(&watcher, 1)->ok);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

/* We have no descriptor left: told, but nobody's fault. */
static void our_own_failures_do_not_count(void **state _unused_)
{
	struct rlimit limit, low;
	struct watcher watcher;
	struct world world;
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, holds);
	world_make(&world, MONITOR_tcp, "127.0.0.1", fake.port);
	watcher_start(&watcher, &world);
	assert_int_equal(watcher_wait(&watcher, 1)->health, MEMBER_UP);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	watcher_wait(&watcher, 5);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_false(watcher.verdicts[4].ok);
	assert_int_equal(watcher.verdicts[4].run, 0);
	assert_int_equal(watcher.verdicts[4].health, MEMBER_UP);
	assert_string_equal(watcher.verdicts[4].text, "not probed: Too many open files");
	while (!watcher_wait(&watcher, watcher.n + 1)->ok)
		;
	assert_int_equal(watcher.verdicts[watcher.n - 1].run, 2);
	watcher_stop(&watcher);
	fake_stop(&fake);
}

static int no_sigpipe(void **state _unused_)
{
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fall_and_rise),
		cmocka_unit_test(unknown_falls_too),
		cmocka_unit_test(interval_is_kept),
		cmocka_unit_test(new_members_are_spread),
		cmocka_unit_test(probe_now),
		cmocka_unit_test(probe_now_does_not_starve),
		cmocka_unit_test(generation_keeps_history),
		cmocka_unit_test(probe_under_way_survives),
		cmocka_unit_test(removed_members_are_forgotten),
		cmocka_unit_test(every_monitor_of_a_pool),
		cmocka_unit_test(port_of_the_vip_is_the_last_resort),
		cmocka_unit_test(our_own_failures_do_not_count),
	};

	return cmocka_run_group_tests(tests, no_sigpipe, NULL);
}
