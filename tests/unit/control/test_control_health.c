/* The health table: what follows from verdicts, and which verdicts are refused. */
#include "unit/control/rooms.h"

#define NUMBER 7

static struct house house;
static struct health *health;

static int setup(void **state _unused_)
{
	house_build(&house, NUMBER);
	return health_new(&house.generation, NULL, &health);
}

static int teardown(void **state _unused_)
{
	health = health_free(health);
	return 0;
}

static int give(uint32_t member, uint32_t monitor, bool ok, int64_t now)
{
	struct ipc_verdict verdict = house_verdict(NUMBER, member, monitor, ok);

	return health_verdict(health, &verdict, now);
}

static void all_monitors_must_agree(void **state _unused_)
{
	assert_int_equal(health_of(health, 0, MEMBER_UNKNOWN), MEMBER_UNKNOWN);
	assert_int_equal(give(0, 0, true, 100), 1);
	assert_int_equal(health_of(health, 0, MEMBER_UNKNOWN), MEMBER_UNKNOWN);
	assert_int_equal(give(0, 1, true, 101), 1);
	assert_int_equal(health_of(health, 0, MEMBER_UNKNOWN), MEMBER_UP);
	assert_int_equal(give(0, 1, true, 102), 0);
	assert_int_equal(give(0, 0, false, 103), 1);
	assert_int_equal(health_of(health, 0, MEMBER_UP), MEMBER_DOWN);
	/* The other member heard nothing of it. */
	assert_int_equal(health_of(health, 1, MEMBER_UNKNOWN), MEMBER_UNKNOWN);
}

static void one_down_is_enough(void **state _unused_)
{
	assert_int_equal(give(1, 1, false, 100), 1);
	assert_int_equal(health_of(health, 1, MEMBER_UNKNOWN), MEMBER_DOWN);
}

static void without_monitors_is_up(void **state _unused_)
{
	assert_int_equal(health_of(health, 2, MEMBER_UNKNOWN), MEMBER_UP);
	assert_int_equal(health_of(health, 3, MEMBER_DOWN), MEMBER_UP);
}

/* A monitor that was just restarted says "unknown" until fall or rise are reached: the last state holds. */
static void unknown_changes_nothing(void **state _unused_)
{
	struct ipc_verdict verdict = house_verdict(NUMBER, 0, 0, false);

	assert_int_equal(give(0, 0, true, 100), 1);
	assert_int_equal(give(0, 1, true, 100), 1);
	verdict.health = MEMBER_UNKNOWN;
	assert_int_equal(health_verdict(health, &verdict, 101), 0);
	assert_int_equal(health_of(health, 0, MEMBER_UP), MEMBER_UP);
	assert_int_equal(health_cell(health, 0, 0)->failures, 1);
	/* Nothing was heard at all after a restart of control: what the maps said holds. */
	assert_int_equal(health_of(health, 1, MEMBER_DOWN), MEMBER_DOWN);
	assert_int_equal(health_of(health, 1, MEMBER_UP), MEMBER_UP);
}

static void cell_remembers(void **state _unused_)
{
	const struct health_cell *cell = health_cell(health, 0, 0);

	assert_int_equal(give(0, 0, false, 100), 1);
	assert_int_equal(give(0, 0, true, 200), 1);
	assert_int_equal(cell->probes, 2);
	assert_int_equal(cell->failures, 1);
	assert_int_equal(cell->last_at, 200);
	assert_int_equal(cell->since, 200);
	assert_int_equal(cell->failed.at, 100);
	assert_int_equal(cell->failed.stage, STAGE_RECEIVE);
	assert_string_equal(cell->failed.excerpt, "421 4.3.2 no");
	assert_int_equal(cell->n_history, 2);
	for (int i = 0; i < 20; i++)
		assert_int_equal(give(0, 0, i % 2 == 1, 300 + i), 1);
	assert_int_equal(cell->n_history, HEALTH_HISTORY);
	assert_int_equal(cell->history[0].at, 312);
	assert_int_equal(cell->history[HEALTH_HISTORY - 1].at, 319);
}

static void nonsense_is_refused(void **state _unused_)
{
	const struct ipc_verdict good = house_verdict(NUMBER, 0, 0, false);
	struct ipc_verdict v;

	v = good, v.generation = NUMBER - 1;
	assert_int_equal(health_verdict(health, &v, 1), -ESTALE);
	v = good, v.member = 4;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, v.member = UINT32_MAX;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, v.monitor = 2;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	/* This pool has no monitors. */
	v = good, v.member = 2;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, v.health = 3;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, v.ok = 2;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, v.stage = STAGE_DONE;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, v.stage = 200;
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, memset(v.text, 'x', sizeof(v.text));
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	v = good, memset(v.excerpt, 'x', sizeof(v.excerpt));
	assert_int_equal(health_verdict(health, &v, 1), -EPROTO);
	assert_int_equal(health_cell(health, 0, 0)->probes, 0);
	assert_int_equal(health_verdict(health, &good, 1), 1);
}

static void texts_are_made_plain(void **state _unused_)
{
	struct ipc_verdict v = house_verdict(NUMBER, 0, 0, false);

	memcpy(v.excerpt, "a\n\x1b[31m\xff", 9);
	assert_int_equal(health_verdict(health, &v, 1), 1);
	assert_string_equal(health_cell(health, 0, 0)->last.excerpt, "a??[31m?");
}

static void reload_keeps_what_has_the_same_name(void **state _unused_)
{
	struct health *next = NULL;
	struct house other;

	assert_int_equal(give(0, 0, true, 50), 1);
	assert_int_equal(give(1, 1, false, 60), 1);
	health_touch(health, 1, 61);
	house_build(&other, NUMBER + 1);
	/* Backends change places; the second monitor is another one now. */
	other.members[0].backend = &other.backends[1];
	other.members[1].backend = &other.backends[0];
	other.monitors[1].name = "imap";
	assert_int_equal(health_new(&other.generation, health, &next), 0);
	assert_int_equal(health_cell(next, 1, 0)->health, MEMBER_UP);
	assert_int_equal(health_cell(next, 1, 0)->since, 50);
	assert_int_equal(health_cell(next, 0, 1)->health, MEMBER_UNKNOWN);
	assert_int_equal(health_since(next, 0), 61);
	health_free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_monitors_must_agree, setup, teardown),
		cmocka_unit_test_setup_teardown(one_down_is_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(without_monitors_is_up, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(cell_remembers, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_are_made_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(reload_keeps_what_has_the_same_name, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
