/* A TCP connection (and TLS, if wanted) is accepted: that is all. */
#include "monitor/probe.h"

static int tcp_start(struct probe *probe)
{
	probe_ok(probe);
	return 0;
}

static void tcp_on_ready(struct probe *probe _unused_, uint32_t events _unused_)
{
}

const struct monitor_ops monitor_tcp_ops = {
	.start = tcp_start,
	.on_ready = tcp_on_ready,
};
