/* Fuzz: HTTP answers as a backend may send them. Fed in pieces of any size, the outcome is the same as in one. The first byte
 * says whether the request was HEAD, the second one the size of the pieces. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "monitor/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(struct http_reply *reply, bool head, const uint8_t *data, size_t size, size_t piece)
{
	int r = 0;

	monitor__http_begin(reply, head);
	for (size_t at = 0; at < size && r == 0; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		/* A copy of the exact size: a byte too far is seen. */
		char *copy = malloc(len);

		assert(copy != NULL);
		memcpy(copy, data + at, len);
		r = monitor__http_feed(reply, copy, len);
		free(copy);
	}
	assert(r == 0 || r == 1 || (r == -EBADMSG && reply->problem != NULL));
	if (r == 0) {
		r = monitor__http_end(reply);
		assert(r == 1 || (r == -EBADMSG && reply->problem != NULL));
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_reply whole, pieces;
	size_t piece;
	bool head;
	int r;

	if (size < 2)
		return 0;
	head = (data[0] & 1) != 0;
	piece = (size_t)data[1] + 1;
	r = run(&whole, head, data + 2, size - 2, size);
	assert(run(&pieces, head, data + 2, size - 2, piece) == r);
	assert(whole.status == pieces.status);
	assert(whole.body_len == pieces.body_len && whole.body_len <= HTTP_REPLY_BODY_MAX);
	assert(memcmp(whole.body, pieces.body, whole.body_len) == 0);
	assert(r != 1 || (whole.status >= 200 && whole.status <= 599));
	assert(memchr(whole.status_line, '\0', sizeof(whole.status_line)) != NULL);
	return 0;
}
