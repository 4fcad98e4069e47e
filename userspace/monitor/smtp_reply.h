/* Inside monitor/: SMTP replies (RFC 5321, 4.2), a pure function over a buffer. */
#ifndef SHUNT_MONITOR_SMTP_REPLY_H
#define SHUNT_MONITOR_SMTP_REPLY_H

#include <stddef.h>
#include <sys/types.h>

struct smtp_reply {
	unsigned code;    /* 200…599 */
	const char *text; /* of the last line, behind the code; points into the buffer */
	size_t text_len;  /* without the line end */
};

/* Read one reply, of one or several lines, from the start of buf. Returns the bytes it takes, -EAGAIN when it is not complete,
 * -EBADMSG when this is not SMTP. A line may end in LF alone. */
ssize_t monitor__smtp_reply(const char *buf, size_t len, struct smtp_reply *ret_reply);

#endif
