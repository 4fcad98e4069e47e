/* Fuzz: IMAP response lines as a backend may send them, with and without a command under way. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "monitor/imap_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *buf, size_t size, const char *tag)
{
	struct imap_reply reply = { 0 }, again = { 0 };
	ssize_t n = monitor__imap_reply(buf, size, tag, &reply);

	assert(n == -EAGAIN || n == -EBADMSG || (n > 0 && (size_t)n <= size));
	if (n <= 0)
		return;
	assert(buf[n - 1] == '\n');
	assert(reply.word <= IMAP_PREAUTH);
	assert(!reply.tagged || tag[0] != '\0');
	assert(monitor__imap_reply(buf, (size_t)n, tag, &again) == n);
	assert(again.word == reply.word && again.tagged == reply.tagged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *buf = malloc(size > 0 ? size : 1);

	if (buf == NULL)
		return 0;
	if (size > 0)
		memcpy(buf, data, size);
	check(buf, size, "");
	check(buf, size, "a1");
	free(buf);
	return 0;
}
