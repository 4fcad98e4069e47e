/* What the program shunt_clock (bpf/clock.bpf.c) answers when it is run from userspace: jiffies and nanoseconds read
 * together, so that the agent learns the kernel's HZ and the present tick.
 * Writer: bpf/clock.bpf.c.  Reader: datapath/dp_clock.c; shunt show flows. */
#ifndef SHUNT_MAPS_CLOCK_H
#define SHUNT_MAPS_CLOCK_H

#include "maps/common.h"

struct clock_reading {
	__u64 jiffies;
	__u64 ktime_ns; /* CLOCK_MONOTONIC */
};
MAP_LAYOUT(struct clock_reading, 16);

#endif
