/* Fuzz: SMTP replies as a backend may send them. What is read must not depend on what follows it. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "monitor/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size: a byte too far is seen. */
	char *buf = malloc(size > 0 ? size : 1);
	struct smtp_reply reply = { 0 }, again = { 0 };
	ssize_t n;

	if (buf == NULL)
		return 0;
	if (size > 0)
		memcpy(buf, data, size);
	n = monitor__smtp_reply(buf, size, &reply);
	assert(n == -EAGAIN || n == -EBADMSG || (n > 0 && (size_t)n <= size));
	if (n > 0) {
		assert(reply.code >= 200 && reply.code <= 599);
		assert(reply.text >= buf && reply.text + reply.text_len < buf + n);
		assert(monitor__smtp_reply(buf, (size_t)n, &again) == n);
		assert(again.code == reply.code && again.text_len == reply.text_len);
		assert(monitor__smtp_reply(buf, (size_t)n - 1, &again) <= 0);
	}
	free(buf);
	return 0;
}
