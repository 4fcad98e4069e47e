/* monitor: probes every member of the generation in force and tells control each outcome. */
#include <string.h>
#include "agent/role.h"
#include "agent/role_link.h"
#include "agent/sandbox.h"
#include "base/list.h"
#include "monitor/monitor.h"

struct prober {
	struct role_link link;
	struct monitor_set *set;
	struct generation *generation;
};

static void on_verdict(void *owner, const struct ipc_verdict *verdict)
{
	struct prober *prober = owner;

	role_link_send(&prober->link, IPC_VERDICT, verdict, sizeof(*verdict));
}

static void take_generation(struct prober *prober, struct ipc_message *message)
{
	struct generation *generation = NULL;
	struct diag diag = { 0 };
	uint64_t number = message->len >= sizeof(number) ? message->bytes[0] : 0;
	int r = role_link_build(message, FOR_MONITOR, &diag, &generation);

	if (r == 0) {
		r = monitor_set_generation(prober->set, generation);
		if (r < 0)
			diag_error(&diag, r, NULL, "cannot watch generation %llu: %s",
			           (unsigned long long)number, strerror(-r));
	}
	if (r < 0) {
		model_free(generation);
		role_link_refuse(&prober->link, number, &diag);
	} else {
		model_free(prober->generation);
		prober->generation = generation;
		role_link_ready(&prober->link, number);
	}
	diag_done(&diag);
}

static void probe_now(struct prober *prober, const struct ipc_message *message)
{
	struct ipc_member member;

	if (message->len != sizeof(member) || prober->generation == NULL)
		return;
	memcpy(&member, message->bytes, sizeof(member));
	if (member.generation == prober->generation->number &&
	    member.member < prober->generation->n_members)
		monitor_set_probe_now(prober->set, member.member);
}

static void on_message(struct role_link *link, struct ipc_message *message)
{
	struct prober *prober = container_of(link, struct prober, link);

	if (message->type == IPC_GENERATION)
		take_generation(prober, message);
	else if (message->type == IPC_PROBE_NOW)
		probe_now(prober, message);
}

static void on_stop(struct role_link *link, bool gone _unused_)
{
	loop_stop(link->loop);
}

int role_monitor(const struct role_start *start _unused_)
{
	static struct prober prober = { .link = { .on_message = on_message, .on_stop = on_stop } };
	_cleanup_(loop_freep) struct loop *loop = NULL;

	if (sandbox_no_dump() < 0 || role_seal(ROLE_monitor) < 0)
		return EXIT_FAILURE;
	loop = loop_new();
	if (loop == NULL || monitor_set_new(loop, on_verdict, &prober, &prober.set) < 0 ||
	    role_link_start(&prober.link, loop) < 0)
		return EXIT_FAILURE;
	if (loop_run(loop) < 0)
		return EXIT_FAILURE;
	prober.set = monitor_set_free(prober.set);
	prober.generation = model_free(prober.generation);
	return EXIT_SUCCESS;
}
