/* Answers what time it is in the kernel plane's own unit. 
 * SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps/clock.h"

SEC("syscall")
int shunt_clock(struct clock_reading *reading)
{
	reading->jiffies = bpf_jiffies64();
	reading->ktime_ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
