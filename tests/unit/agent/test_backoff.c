/* When a role that died is started again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "agent/backoff.h"
#include "base/cleanup.h"

static void at_once_then_doubling(void **state _unused_)
{
	static const uint32_t WAITS[] = { 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000 };
	struct backoff backoff = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(WAITS); i++)
		assert_int_equal(backoff_next(&backoff, 10), WAITS[i]);
}

static void a_long_life_resets(void **state _unused_)
{
	struct backoff backoff = { 0 };

	for (int i = 0; i < 5; i++)
		backoff_next(&backoff, 10);
	assert_int_equal(backoff_next(&backoff, BACKOFF_RESET_MS - 1), 1600);
	assert_int_equal(backoff_next(&backoff, BACKOFF_RESET_MS), 0);
	assert_int_equal(backoff_next(&backoff, 10), 100);
}

static void never_overflows(void **state _unused_)
{
	struct backoff backoff = { .deaths = UINT32_MAX - 1 };

	assert_int_equal(backoff_next(&backoff, 0), BACKOFF_MOST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once_then_doubling),
		cmocka_unit_test(a_long_life_resets),
		cmocka_unit_test(never_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
