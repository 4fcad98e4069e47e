/* A pure function of how long a role lived and how often it died in a row. */
#include "agent/backoff.h"

uint32_t backoff_next(struct backoff *backoff, uint64_t lived_ms)
{
	uint32_t wait = 0;

	if (lived_ms >= BACKOFF_RESET_MS)
		backoff->deaths = 0;
	for (unsigned i = 0; i < backoff->deaths && wait < BACKOFF_MOST_MS; i++)
		wait = wait == 0 ? BACKOFF_FIRST_MS : wait * 2;
	backoff->deaths++;
	return wait < BACKOFF_MOST_MS ? wait : BACKOFF_MOST_MS;
}
