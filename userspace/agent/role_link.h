/* A role's end of the socket pair with control. */
#ifndef SHUNT_AGENT_ROLE_LINK_H
#define SHUNT_AGENT_ROLE_LINK_H

#include <stdbool.h>
#include "base/diag.h"
#include "ipc/ipc.h"
#include "loop/loop.h"
#include "model/model.h"

struct role_link {
	struct loop *loop;
	struct watch watch;
	/* Every message but IPC_STOP; descriptors that are not taken (set to −1) are closed afterwards. */
	void (*on_message)(struct role_link *link, struct ipc_message *message);
	/* Control says stop (gone false), or is gone. Called once. */
	void (*on_stop)(struct role_link *link, bool gone);
	bool stopped;
	struct ipc_message message;
};

/* What every role does first: ignore the signals that are control's business, give up what it must not have, and watch
 * ROLE_SOCKET. link is zeroed but for the callbacks. */
int role_link_start(struct role_link *link, struct loop *loop) _must_check_;
/* The generation of an IPC_GENERATION message; mask is this role's bit (FOR_…). */
int role_link_build(struct ipc_message *message, uint32_t mask, struct diag *diag,
                    struct generation **ret_generation) _must_check_;
/* Tell control. Waits a little if it is busy; what cannot be told is dropped. */
void role_link_send(struct role_link *link, enum ipc_type type, const void *bytes, size_t len);
void role_link_ready(struct role_link *link, uint64_t number);
void role_link_refuse(struct role_link *link, uint64_t number, const struct diag *diag);

#endif
