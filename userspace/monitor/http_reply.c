/* An HTTP/1.1 answer, byte by byte where lines are, in pieces where bodies are. Strict: what two readers could understand
 * differently is refused. */
#include "monitor/http_reply.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

void monitor__http_begin(struct http_reply *reply, bool no_body)
{
	memset(reply, 0, offsetof(struct http_reply, line));
	reply->no_body = no_body;
}

static int bad(struct http_reply *reply, const char *problem)
{
	reply->problem = problem;
	return -EBADMSG;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static int on_status(struct http_reply *reply)
{
	const char *line = reply->line;
	size_t len = reply->line_len;
	size_t keep = len < sizeof(reply->status_line) ? len : sizeof(reply->status_line) - 1;

	memcpy(reply->status_line, line, keep);
	reply->status_line[keep] = '\0';
	if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ')
		return bad(reply, "the answer is not HTTP/1");
	if (line[9] < '1' || line[9] > '5' || !is_digit(line[10]) || !is_digit(line[11]) ||
	    (len > 12 && line[12] != ' '))
		return bad(reply, "the status is not a number of three digits");
	reply->status = (unsigned)(line[9] - '0') * 100 + (unsigned)(line[10] - '0') * 10 +
	                (unsigned)(line[11] - '0');
	reply->chunked = false;
	reply->has_length = false;
	reply->left = 0;
	reply->state = HTTP_HEADER;
	return 0;
}

static int on_length(struct http_reply *reply, const char *value, size_t len)
{
	uint64_t length = 0;

	if (len == 0 || len > 18)
		return bad(reply, "Content-Length is not a number");
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(value[i]))
			return bad(reply, "Content-Length is not a number");
		length = length * 10 + (uint64_t)(value[i] - '0');
	}
	if (reply->has_length && reply->left != length)
		return bad(reply, "there are two different Content-Length");
	reply->has_length = true;
	reply->left = length;
	return 0;
}

static bool is_name(const char *name, size_t len, const char *expected)
{
	return len == strlen(expected) && strncasecmp(name, expected, len) == 0;
}

static int on_header(struct http_reply *reply)
{
	const char *line = reply->line;
	const char *colon = memchr(line, ':', reply->line_len);
	const char *value, *end = line + reply->line_len;
	size_t name_len;

	if (colon == NULL || colon == line || line[0] == ' ' || line[0] == '\t' ||
	    colon[-1] == ' ' || colon[-1] == '\t')
		return bad(reply, "a header line is not \"name: value\"");
	name_len = (size_t)(colon - line);
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (is_name(line, name_len, "content-length"))
		return on_length(reply, value, (size_t)(end - value));
	if (!is_name(line, name_len, "transfer-encoding"))
		return 0;
	if (!is_name(value, (size_t)(end - value), "chunked") || reply->chunked)
		return bad(reply, "Transfer-Encoding is not \"chunked\"");
	reply->chunked = true;
	return 0;
}

static int on_head_end(struct http_reply *reply)
{
	if (reply->status == 101)
		return bad(reply, "the answer switches protocols");
	if (reply->status < 200) {
		reply->state = HTTP_STATUS;
		return 0;
	}
	if (reply->chunked && reply->has_length)
		return bad(reply, "there are both Content-Length and Transfer-Encoding");
	if (reply->no_body || reply->status == 204 || reply->status == 304)
		reply->state = HTTP_DONE;
	else if (reply->chunked)
		reply->state = HTTP_CHUNK_SIZE;
	else if (reply->has_length)
		reply->state = reply->left > 0 ? HTTP_BODY_LENGTH : HTTP_DONE;
	else
		reply->state = HTTP_BODY_CLOSE;
	return 0;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "1a;extension" */
static int on_chunk_size(struct http_reply *reply)
{
	size_t i = 0;

	reply->left = 0;
	for (; i < reply->line_len && hex_value(reply->line[i]) >= 0; i++) {
		if (i == 15)
			return bad(reply, "a chunk is too large");
		reply->left = reply->left * 16 + (uint64_t)hex_value(reply->line[i]);
	}
	if (i == 0 || (i < reply->line_len && reply->line[i] != ';' && reply->line[i] != ' ' &&
	               reply->line[i] != '\t'))
		return bad(reply, "a chunk size is not a number");
	reply->state = reply->left > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
	return 0;
}

static int on_line(struct http_reply *reply)
{
	switch (reply->state) {
	case HTTP_STATUS:
		return on_status(reply);
	case HTTP_HEADER:
		return reply->line_len > 0 ? on_header(reply) : on_head_end(reply);
	case HTTP_CHUNK_SIZE:
		return on_chunk_size(reply);
	case HTTP_CHUNK_END:
		if (reply->line_len > 0)
			return bad(reply, "a chunk is longer than it says");
		reply->state = HTTP_CHUNK_SIZE;
		return 0;
	default:
		if (reply->line_len == 0)
			reply->state = HTTP_DONE;
		return 0;
	}
}

/* One byte of a line. Line ends are CR LF, or LF alone as old servers send it. */
static int take_byte(struct http_reply *reply, char c)
{
	int r;

	if (++reply->head_len > HTTP_REPLY_HEAD_MAX)
		return bad(reply, "the head is too long");
	if (c != '\n') {
		if (c == '\0')
			return bad(reply, "a line holds a NUL");
		if (reply->line_len == sizeof(reply->line))
			return bad(reply, "a line is too long");
		reply->line[reply->line_len++] = c;
		return 0;
	}
	if (reply->line_len > 0 && reply->line[reply->line_len - 1] == '\r')
		reply->line_len--;
	if (memchr(reply->line, '\r', reply->line_len) != NULL)
		return bad(reply, "a line holds a bare CR");
	r = on_line(reply);
	reply->line_len = 0;
	return r;
}

/* Bytes of a body; returns how many were taken. */
static size_t take_body(struct http_reply *reply, const char *bytes, size_t len)
{
	size_t room = sizeof(reply->body) - reply->body_len;
	size_t n = len;

	if (reply->state != HTTP_BODY_CLOSE && n > reply->left)
		n = (size_t)reply->left;
	memcpy(reply->body + reply->body_len, bytes, n < room ? n : room);
	reply->body_len += n < room ? n : room;
	if (reply->state == HTTP_BODY_CLOSE)
		return n;
	reply->left -= n;
	if (reply->left == 0)
		reply->state = reply->state == HTTP_CHUNK_DATA ? HTTP_CHUNK_END : HTTP_DONE;
	return n;
}

static bool in_body(const struct http_reply *reply)
{
	return reply->state == HTTP_BODY_LENGTH || reply->state == HTTP_BODY_CLOSE ||
	       reply->state == HTTP_CHUNK_DATA;
}

int monitor__http_feed(struct http_reply *reply, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		int r;

		if (reply->state == HTTP_DONE || reply->body_len == sizeof(reply->body))
			break;
		if (in_body(reply)) {
			at += take_body(reply, bytes + at, len - at);
			continue;
		}
		r = take_byte(reply, bytes[at++]);
		if (r < 0)
			return r;
	}
	return reply->state == HTTP_DONE || reply->body_len == sizeof(reply->body);
}

int monitor__http_end(struct http_reply *reply)
{
	if (reply->state == HTTP_BODY_CLOSE || reply->state == HTTP_DONE)
		return 1;
	return bad(reply, reply->state <= HTTP_HEADER ? "closed before the answer was complete"
	                                              : "closed in the middle of the body");
}
