/* The listening sockets of proxy vips. Control opens and keeps them: while the proxy restarts, clients queue in them
 * instead of being refused. One socket a worker thread and address:port (SO_REUSEPORT). */
#ifndef SHUNT_AGENT_LISTENERS_H
#define SHUNT_AGENT_LISTENERS_H

#include <stddef.h>
#include "base/diag.h"
#include "ipc/ipc.h"
#include "model/model.h"

struct listener_set; /* those of one generation */

/* The sockets that generation needs: those of old (may be NULL) are shared, others opened. Nothing stays open on failure. */
int listeners_open(const struct generation *generation, unsigned workers,
                   const struct listener_set *old, struct diag *diag, struct listener_set **ret_set)
	_must_check_;
/* Free set; its sockets are closed unless other (may be NULL) has them too. */
struct listener_set *listeners_free(struct listener_set *set, const struct listener_set *other);

/* Call send for batches of at most IPC_FDS_MAX sockets; stops at the first negative result and returns it. */
typedef int (*listeners_fn)(void *owner, const struct ipc_listener *listeners, const int *fds,
                            size_t n);
int listeners_each(const struct listener_set *set, const struct generation *generation,
                   listeners_fn send, void *owner) _must_check_;
/* How many address:port pairs. */
size_t listeners_count(const struct listener_set *set);

#endif
