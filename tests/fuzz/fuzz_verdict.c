/* A verdict as a monitor role that was taken over may send it: it is refused, or it names a cell that exists. */
#include "unit/control/rooms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct house house;
	static struct health *health;
	struct ipc_verdict verdict = { 0 };
	int r;

	if (health == NULL) {
		house_build(&house, 1);
		if (health_new(&house.generation, NULL, &health) < 0)
			abort();
	}
	memcpy(&verdict, data, size < sizeof(verdict) ? size : sizeof(verdict));
	r = health_verdict(health, &verdict, 1);
	if (r >= 0 && (verdict.member >= 2 || verdict.monitor >= 2 || verdict.health > MEMBER_DOWN))
		abort();
	return 0;
}
