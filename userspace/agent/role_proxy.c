/* proxy: the main thread talks to control; the worker threads that proxy_new() starts do the work. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "agent/role.h"
#include "agent/role_link.h"
#include "agent/sandbox.h"
#include "base/list.h"
#include "base/log.h"
#include "proxy/proxy.h"

#define GRACE_MS 10000

struct front {
	struct role_link link;
	struct proxy *proxy;
	struct proxy_stats *stats;
	unsigned workers;
	uint64_t number; /* of the generation last set; the proxy owns it */
	size_t n_members;
};

static void map_stats(struct front *front, const struct ipc_message *message)
{
	int r;

	if (message->n_fds != 1 || front->stats != NULL)
		return;
	r = proxy_stats_map(message->fds[0], &front->stats);
	if (r == 0)
		r = proxy_new(front->workers, front->stats, &front->proxy);
	if (r < 0)
		log_error("cannot start %u worker threads: %s", front->workers, strerror(-r));
}

static void take_listeners(struct front *front, struct ipc_message *message)
{
	struct ipc_listener listener;

	if (message->len != message->n_fds * sizeof(listener) || front->proxy == NULL)
		return;
	for (size_t i = 0; i < message->n_fds; i++) {
		int r;

		memcpy(&listener, (const char *)message->bytes + i * sizeof(listener),
		       sizeof(listener));
		r = proxy_listener(front->proxy, &listener, TAKE_FD(message->fds[i]));
		if (r < 0)
			log_error("cannot take a listener of vip %u: %s", listener.vip,
			          strerror(-r));
	}
}

static int use_generation(struct front *front, struct ipc_message *message, struct diag *diag)
{
	struct generation *generation = NULL;
	uint64_t number;
	size_t n_members;
	int r;

	if (front->proxy == NULL)
		return diag_error(diag, -EPROTO, NULL, "the proxy has no worker threads");
	r = role_link_build(message, FOR_PROXY, diag, &generation);
	if (r < 0)
		return r;
	number = generation->number;
	n_members = generation->n_members;
	r = proxy_set_generation(front->proxy, generation, diag);
	if (r < 0) {
		model_free(generation);
		return r;
	}
	front->number = number;
	front->n_members = n_members;
	return 0;
}

static void take_generation(struct front *front, struct ipc_message *message)
{
	struct diag diag = { 0 };
	uint64_t number = message->len >= sizeof(number) ? message->bytes[0] : 0;

	if (use_generation(front, message, &diag) < 0)
		role_link_refuse(&front->link, number, &diag);
	else
		role_link_ready(&front->link, number);
	diag_done(&diag);
}

static void take_members(struct front *front, const struct ipc_message *message)
{
	struct ipc_member member;

	for (size_t i = 0; i + sizeof(member) <= message->len; i += sizeof(member)) {
		memcpy(&member, (const char *)message->bytes + i, sizeof(member));
		if (front->proxy != NULL && member.generation == front->number &&
		    member.member < front->n_members)
			proxy_member(front->proxy, member.member, member.health, member.admin);
	}
}

static void on_message(struct role_link *link, struct ipc_message *message)
{
	struct front *front = container_of(link, struct front, link);

	if (message->type == IPC_SHARED)
		map_stats(front, message);
	else if (message->type == IPC_LISTENERS)
		take_listeners(front, message);
	else if (message->type == IPC_GENERATION)
		take_generation(front, message);
	else if (message->type == IPC_MEMBER)
		take_members(front, message);
}

/* Without control nobody would restart us or tell us of dead backends: finish what is under way and end. */
static void on_stop(struct role_link *link, bool gone)
{
	struct front *front = container_of(link, struct front, link);

	if (gone)
		log_warning("control is gone: finishing requests under way, at most %d s",
		            GRACE_MS / 1000);
	if (front->proxy != NULL)
		proxy_stop(front->proxy, GRACE_MS);
	loop_stop(link->loop);
}

int role_proxy(const struct role_start *start)
{
	static struct front front = { .link = { .on_message = on_message, .on_stop = on_stop } };
	_cleanup_(loop_freep) struct loop *loop = NULL;

	front.workers = start->workers;
	if (sandbox_no_dump() < 0 || role_seal(ROLE_proxy) < 0)
		return EXIT_FAILURE;
	loop = loop_new();
	if (loop == NULL || role_link_start(&front.link, loop) < 0)
		return EXIT_FAILURE;
	if (loop_run(loop) < 0)
		return EXIT_FAILURE;
	front.proxy = proxy_free(front.proxy);
	if (front.stats != NULL)
		proxy_stats_unmap(front.stats);
	return EXIT_SUCCESS;
}
