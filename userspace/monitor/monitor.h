/* The monitor role: asks each member its monitors' questions and tells control every outcome. One event loop; nothing here
 * blocks. */
#ifndef SHUNT_MONITOR_MONITOR_H
#define SHUNT_MONITOR_MONITOR_H

#include <stdint.h>
#include "ipc/ipc.h"
#include "loop/loop.h"
#include "model/model.h"
#include "net/stream.h"

struct probe;

/* One kind of monitor: one file, one line in model/monitors.def. A probe starts when the stream is connected (and TLS is
 * up); on_ready is called right after that and whenever the stream may be tried again; the monitor ends it with probe_ok()
 * or probe_failed() (monitor/probe.h) and returns at once. */
struct monitor_ops {
	int (*start)(
		struct
		probe *probe); /* a negative errno fails the probe, if start has not done so itself */
	void (*on_ready)(struct probe *probe, uint32_t events);
	void (*done)(struct probe *probe); /* free probe->own; may be NULL */
	const char *bye; /* said before hanging up on a backend that failed; may be NULL */
};

#define MONITOR(name, text) extern const struct monitor_ops monitor_##name##_ops;
#include "model/monitors.def"
#undef MONITOR

struct monitor_set;

typedef void (*verdict_fn)(void *owner, const struct ipc_verdict *verdict);

/* A set that probes every (member, monitor) of a generation; verdicts go to on_verdict, from within the loop. It must neither
 * free the set nor set a generation. What fails on our side (no descriptor, no memory) is told with run 0 and does not
 * count against the member: its health stays. */
int monitor_set_new(struct loop *loop, verdict_fn on_verdict, void *owner,
                    struct monitor_set **ret_set) _must_check_;
struct monitor_set *monitor_set_free(struct monitor_set *set);
/* Take over a generation (kept by the caller until the next one is set). A member (pool, backend, address, port) whose monitor
 * asks the same question keeps its history and the probe under way; a new interval, timeout, fall or rise is no new
 * question. New ones are probed at once, spread over at most one interval. On failure the old generation stays. */
int monitor_set_generation(struct monitor_set *set, const struct generation *generation)
	_must_check_;
/* Probe one member now. */
void monitor_set_probe_now(struct monitor_set *set, uint32_t member);

static inline void monitor_set_freep(struct monitor_set **set)
{
	monitor_set_free(*set);
}

#endif
