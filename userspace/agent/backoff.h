/* How long to wait before a role that died is started again: not at all the first time, then 100 ms doubling to 5 s,
 * and from the beginning after 30 s of life. */
#ifndef SHUNT_AGENT_BACKOFF_H
#define SHUNT_AGENT_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100u
#define BACKOFF_MOST_MS  5000u
#define BACKOFF_RESET_MS 30000u

struct backoff {
	unsigned deaths; /* in a row */
};

/* The role lived lived_ms and died: how many milliseconds until the next start. */
uint32_t backoff_next(struct backoff *backoff, uint64_t lived_ms);

#endif
