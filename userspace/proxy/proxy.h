/* The proxy role: worker threads that terminate TLS, switch by content and speak HTTP to backends.
 * The main thread talks to control; workers share nothing on the hot path. */
#ifndef SHUNT_PROXY_PROXY_H
#define SHUNT_PROXY_PROXY_H

#include <stddef.h>
#include <stdint.h>
#include "base/diag.h"
#include "ipc/ipc.h"
#include "model/model.h"
#include "stats/proxy_stats.h"

struct proxy;

/* A proxy with its worker threads started, without listeners. stats is mapped by the caller and outlives the proxy. */
int proxy_new(unsigned workers, struct proxy_stats *stats, struct proxy **ret_proxy) _must_check_;
/* Listeners for a generation to come: the sockets (non-blocking, listening, SO_REUSEPORT) become the proxy's. Listeners of
 * older generations that are not named again by the next generation are closed when it is set. */
int proxy_listener(struct proxy *proxy, const struct ipc_listener *listener, int fd) _must_check_;
/* Use a generation from now on: TLS contexts are built (errors: diag, the old generation goes on), then each worker takes it for
 * its next connection and its next request. The proxy frees generations that nobody uses any more. */
int proxy_set_generation(struct proxy *proxy, struct generation *generation, struct diag *diag) _must_check_;
/* States of members by index of the generation last set. */
void proxy_member(struct proxy *proxy, uint32_t member, uint8_t health, uint8_t admin);
/* Stop accepting; requests under way are finished, at most grace_ms. */
void proxy_stop(struct proxy *proxy, unsigned grace_ms);
struct proxy *proxy_free(struct proxy *proxy);

#endif
