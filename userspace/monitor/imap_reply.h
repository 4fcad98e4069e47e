/* Inside monitor/: IMAP response lines (RFC 9051, 7), a pure function over a buffer. */
#ifndef SHUNT_MONITOR_IMAP_REPLY_H
#define SHUNT_MONITOR_IMAP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum imap_word {
	IMAP_OTHER,
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,
	IMAP_PREAUTH,
};

struct imap_reply {
	bool tagged; /* the answer to the command with our tag */
	enum imap_word word;
};

/* Read one line from the start of buf; tag is the one of the command under way. Returns the bytes it takes, -EAGAIN when it is
 * not complete, -EBADMSG when it is neither untagged, a continuation, nor ours. Case is ignored. */
ssize_t monitor__imap_reply(const char *buf, size_t len, const char *tag,
                            struct imap_reply *ret_reply);

#endif
