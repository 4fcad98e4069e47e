/* IMAP response lines: "* OK ready", "a1 OK done", "+ go on". */
#include "monitor/imap_reply.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *text;
	enum imap_word word;
} words[] = {
	{ "OK", IMAP_OK },   { "NO", IMAP_NO },           { "BAD", IMAP_BAD },
	{ "BYE", IMAP_BYE }, { "PREAUTH", IMAP_PREAUTH },
};

static enum imap_word word_of(const char *text, size_t len)
{
	const char *blank = memchr(text, ' ', len);
	size_t word_len = blank != NULL ? (size_t)(blank - text) : len;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].text) == word_len &&
		    strncasecmp(words[i].text, text, word_len) == 0)
			return words[i].word;
	return IMAP_OTHER;
}

static bool begins_with(const char *line, size_t len, const char *tag, size_t tag_len)
{
	return len > tag_len && strncasecmp(line, tag, tag_len) == 0 && line[tag_len] == ' ';
}

ssize_t monitor__imap_reply(const char *buf, size_t len, const char *tag,
                            struct imap_reply *ret_reply)
{
	const char *end = memchr(buf, '\n', len);
	size_t tag_len = strlen(tag);
	size_t line_len;

	if (end == NULL)
		return -EAGAIN;
	line_len = (size_t)(end - buf);
	if (line_len > 0 && end[-1] == '\r')
		line_len--;
	if (begins_with(buf, line_len, "*", 1) || begins_with(buf, line_len, "+", 1)) {
		ret_reply->tagged = false;
		ret_reply->word = buf[0] == '*' ? word_of(buf + 2, line_len - 2) : IMAP_OTHER;
	} else if (tag_len > 0 && begins_with(buf, line_len, tag, tag_len)) {
		ret_reply->tagged = true;
		ret_reply->word = word_of(buf + tag_len + 1, line_len - tag_len - 1);
	} else {
		return -EBADMSG;
	}
	return (end - buf) + 1;
}
