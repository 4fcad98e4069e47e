/* The same beginning, waiting and answering for every role that control starts. */
#include "agent/role_link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include "agent/role.h"
#include "base/list.h"
#include "base/log.h"

#define SEND_WAIT_MS 1000

static void stop(struct role_link *link, bool gone)
{
	if (link->stopped)
		return;
	link->stopped = true;
	watch_stop(&link->watch);
	link->on_stop(link, gone);
}

static void on_socket(struct watch *watch, uint32_t events _unused_)
{
	struct role_link *link = container_of(watch, struct role_link, watch);
	int r = ipc_receive(ROLE_SOCKET, &link->message);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		if (r != -ECONNRESET)
			log_error("control sent what is not understood: %s", strerror(-r));
		stop(link, true);
		return;
	}
	if (link->message.type == IPC_STOP)
		stop(link, false);
	else
		link->on_message(link, &link->message);
	ipc_message_done(&link->message);
}

int role_link_start(struct role_link *link, struct loop *loop)
{
	int r;

	link->loop = loop;
	link->watch.on_event = on_socket;
	r = watch_start(&link->watch, loop, ROLE_SOCKET, EPOLLIN);
	if (r < 0)
		log_error(
			"this role is started by shuntd, not by hand (no socket on descriptor %d)",
			ROLE_SOCKET);
	return r;
}

int role_link_build(struct ipc_message *message, uint32_t mask, struct diag *diag,
                    struct generation **ret_generation)
{
	_cleanup_(bundle_unrefp) struct bundle *bundle = NULL;
	struct ipc_generation head;
	int r;

	if (message->len != sizeof(head) || message->n_fds != 1)
		return diag_error(diag, -EPROTO, NULL, "a generation came without its bundle");
	memcpy(&head, message->bytes, sizeof(head));
	r = bundle_receive(message->fds[0], mask, &bundle);
	if (r < 0)
		return diag_error(diag, r, NULL, "cannot read the bundle: %s", strerror(-r));
	return model_build(bundle, head.number, diag, ret_generation);
}

void role_link_send(struct role_link *link, enum ipc_type type, const void *bytes, size_t len)
{
	struct pollfd ready = { .fd = ROLE_SOCKET, .events = POLLOUT };

	if (link->stopped)
		return;
	if (ipc_send(ROLE_SOCKET, type, bytes, len, NULL, 0) == -EAGAIN &&
	    poll(&ready, 1, SEND_WAIT_MS) == 1)
		(void)!ipc_send(ROLE_SOCKET, type, bytes, len, NULL, 0);
}

void role_link_ready(struct role_link *link, uint64_t number)
{
	struct ipc_ready ready = { .number = number };

	role_link_send(link, IPC_READY, &ready, sizeof(ready));
}

void role_link_refuse(struct role_link *link, uint64_t number, const struct diag *diag)
{
	_cleanup_(freep) char *text = diag_text(diag);
	struct ipc_ready ready = { .number = number };
	char bytes[4096];
	size_t len = text != NULL ? strlen(text) : 0;

	if (len > sizeof(bytes) - sizeof(ready))
		len = sizeof(bytes) - sizeof(ready);
	memcpy(bytes, &ready, sizeof(ready));
	if (len > 0)
		memcpy(bytes + sizeof(ready), text, len);
	role_link_send(link, IPC_REFUSED, bytes, sizeof(ready) + len);
}
