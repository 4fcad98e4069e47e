/* auth: the role in which logins and their secrets will stand. It takes generations as the others do and serves nothing:
 * whoever asks it for a login gets no answer, and no answer is a refusal. */
#include "agent/role.h"
#include "agent/role_link.h"
#include "agent/sandbox.h"
#include "base/list.h"

struct auth {
	struct role_link link;
	struct generation *generation;
};

static void on_message(struct role_link *link, struct ipc_message *message)
{
	struct auth *auth = container_of(link, struct auth, link);
	struct generation *generation = NULL;
	struct diag diag = { 0 };
	uint64_t number = message->len >= sizeof(number) ? message->bytes[0] : 0;

	if (message->type != IPC_GENERATION)
		return;
	if (role_link_build(message, FOR_AUTH, &diag, &generation) < 0) {
		role_link_refuse(link, number, &diag);
	} else {
		model_free(auth->generation);
		auth->generation = generation;
		role_link_ready(link, number);
	}
	diag_done(&diag);
}

static void on_stop(struct role_link *link, bool gone _unused_)
{
	loop_stop(link->loop);
}

int role_auth(const struct role_start *start _unused_)
{
	static struct auth auth = { .link = { .on_message = on_message, .on_stop = on_stop } };
	_cleanup_(loop_freep) struct loop *loop = NULL;

	if (sandbox_no_dump() < 0 || role_seal(ROLE_auth) < 0)
		return EXIT_FAILURE;
	loop = loop_new();
	if (loop == NULL || role_link_start(&auth.link, loop) < 0)
		return EXIT_FAILURE;
	if (loop_run(loop) < 0)
		return EXIT_FAILURE;
	auth.generation = model_free(auth.generation);
	return EXIT_SUCCESS;
}
