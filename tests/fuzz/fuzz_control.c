/* A request as a client of the control socket may send it: any bytes get one line of JSON back. */
#include "unit/control/rooms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct house house;
static struct member_state states[4];
static struct plan plan;
static struct proxy_stats stats;
static struct control control;

static bool role(void *owner _unused_, size_t i, struct control_role *ret_role)
{
	*ret_role = (struct control_role){ .name = "proxy", .state = "ready", .pid = 1 };
	return i == 0;
}

static int reload(void *owner _unused_, bool dry_run, struct diag *diag,
                  struct plan_changes *ret_changes _unused_)
{
	return dry_run ? 0 : diag_error(diag, -EINVAL, NULL, "no");
}

static int admin(void *owner _unused_, uint32_t member, enum member_admin to, size_t *ret_ended)
{
	states[member].admin = to;
	*ret_ended = 0;
	return 0;
}

static const struct control_ops OPS = { .role = role, .reload = reload, .admin = admin };

static void prepare(void)
{
	house_build(&house, 1);
	plan.current = &house.generation;
	plan.states = states;
	control = (struct control){ .ops = &OPS,
		                    .plan = &plan,
		                    .config = "c",
		                    .run_dir = "r",
		                    .pin_dir = "p",
		                    .stats = &stats };
	if (health_new(&house.generation, NULL, &control.health) < 0 ||
	    counters_new(&house.generation, &stats, NULL, &control.counters) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line;

	if (control.health == NULL)
		prepare();
	line = control_answer(&control, (const char *)data, size);
	if (line == NULL || strchr(line, '\n') != line + strlen(line) - 1)
		abort();
	free(line);
	return 0;
}
