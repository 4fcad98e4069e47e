/* SMTP replies: "250-one", "250 two". */
#include "monitor/smtp_reply.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One line without its end; more tells whether another one belongs to the reply. */
static int line_parse(const char *line, size_t len, struct smtp_reply *reply, bool *ret_more)
{
	if (len < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
		return -EBADMSG;
	if (len > 3 && line[3] != ' ' && line[3] != '-')
		return -EBADMSG;
	reply->code = (unsigned)(line[0] - '0') * 100 + (unsigned)(line[1] - '0') * 10 +
	              (unsigned)(line[2] - '0');
	reply->text = line + (len > 3 ? 4 : 3);
	reply->text_len = len > 3 ? len - 4 : 0;
	*ret_more = len > 3 && line[3] == '-';
	return 0;
}

/* Three bytes are enough to know that this is something else: no need to wait for the end of the line. */
static bool can_begin(const char *line, size_t len)
{
	if (len >= 1 && (line[0] < '2' || line[0] > '5'))
		return false;
	return (len < 2 || is_digit(line[1])) && (len < 3 || is_digit(line[2]));
}

ssize_t monitor__smtp_reply(const char *buf, size_t len, struct smtp_reply *ret_reply)
{
	struct smtp_reply reply = { 0 };
	unsigned code = 0;
	size_t at = 0;
	bool more = true;

	while (more) {
		const char *end = memchr(buf + at, '\n', len - at);
		size_t line_len;

		if (end == NULL)
			return can_begin(buf + at, len - at) ? -EAGAIN : -EBADMSG;
		line_len = (size_t)(end - (buf + at));
		if (line_len > 0 && end[-1] == '\r')
			line_len--;
		if (line_parse(buf + at, line_len, &reply, &more) < 0)
			return -EBADMSG;
		/* All lines of a reply carry the same code. */
		if (at > 0 && reply.code != code)
			return -EBADMSG;
		code = reply.code;
		at = (size_t)(end - buf) + 1;
	}
	*ret_reply = reply;
	return (ssize_t)at;
}
