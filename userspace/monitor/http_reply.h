/* Inside monitor/: an HTTP/1.1 answer, fed in pieces of any size, with a bounded part of its body kept. No input or output of
 * its own. */
#ifndef SHUNT_MONITOR_HTTP_REPLY_H
#define SHUNT_MONITOR_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REPLY_BODY_MAX (24 * 1024) /* what is kept and searched */
#define HTTP_REPLY_LINE_MAX 8192
#define HTTP_REPLY_HEAD_MAX \
	32768 /* all lines of all heads: of 1xx and of the answer, and trailers */

enum http_reply_state {
	HTTP_STATUS,
	HTTP_HEADER,
	HTTP_BODY_LENGTH, /* left bytes to go */
	HTTP_BODY_CLOSE,  /* until the end of the stream */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_DONE,
};

struct http_reply {
	enum http_reply_state state;
	bool no_body; /* the request was HEAD */
	unsigned status;
	const char *problem; /* why feeding failed */
	bool chunked;
	bool has_length;
	uint64_t left;
	size_t head_len;
	size_t line_len;
	size_t body_len;
	char status_line[160]; /* start of the last status line */
	char line[HTTP_REPLY_LINE_MAX];
	char body[HTTP_REPLY_BODY_MAX];
};

/* Begin; only what must be zero is cleared. */
void monitor__http_begin(struct http_reply *reply, bool no_body);
/* Take bytes. Returns 1 when nothing more is needed (the answer is complete, or body is full), 0 when more is, -EBADMSG with
 * problem set. */
int monitor__http_feed(struct http_reply *reply, const char *bytes, size_t len);
/* The stream ended cleanly. Returns 1 when the answer is complete with that, -EBADMSG with problem set otherwise. */
int monitor__http_end(struct http_reply *reply);

#endif
