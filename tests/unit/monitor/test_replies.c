/* The readers of what backends answer: pure functions, one table each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "monitor/http_reply.h"
#include "monitor/imap_reply.h"
#include "monitor/smtp_reply.h"

static void smtp(void **state _unused_)
{
	static const struct {
		const char *bytes;
		ssize_t result;
		unsigned code;
		const char *text;
	} cases[] = {
		{ "220 hello\r\n", 11, 220, "hello" },
		{ "220 hello\n", 10, 220, "hello" },
		{ "250\r\n", 5, 250, "" },
		{ "250-one\r\n250-two\r\n250 three\r\nX", 29, 250, "three" },
		{ "250-\r\n250 \r\n", 12, 250, "" },
		{ "530 5.7.57 no\r\n", 15, 530, "5.7.57 no" },
		{ "", -EAGAIN, 0, NULL },
		{ "2", -EAGAIN, 0, NULL },
		{ "220 hel", -EAGAIN, 0, NULL },
		{ "250-one\r\n", -EAGAIN, 0, NULL },
		{ "250-one\r\n25", -EAGAIN, 0, NULL },
		{ "250-one\r\n220 two\r\n", -EBADMSG, 0, NULL },
		{ "250-one\r\nX", -EBADMSG, 0, NULL },
		{ "+OK pop\r\n", -EBADMSG, 0, NULL },
		{ "* OK imap", -EBADMSG, 0, NULL },
		{ "HTTP/1.1 400", -EBADMSG, 0, NULL },
		{ "22\r\n", -EBADMSG, 0, NULL },
		{ "2200 x\r\n", -EBADMSG, 0, NULL },
		{ "220_x\r\n", -EBADMSG, 0, NULL },
		{ "120 x\r\n", -EBADMSG, 0, NULL },
		{ "620 x\r\n", -EBADMSG, 0, NULL },
		{ "\r\n", -EBADMSG, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct smtp_reply reply = { 0 };
		ssize_t n = monitor__smtp_reply(cases[i].bytes, strlen(cases[i].bytes), &reply);

		if (n != cases[i].result)
			fail_msg("\"%s\": %zd", cases[i].bytes, n);
		if (n < 0)
			continue;
		assert_int_equal(reply.code, cases[i].code);
		assert_int_equal(reply.text_len, strlen(cases[i].text));
		assert_memory_equal(reply.text, cases[i].text, reply.text_len);
	}
}

static void imap(void **state _unused_)
{
	static const struct {
		const char *bytes, *tag;
		ssize_t result;
		bool tagged;
		enum imap_word word;
	} cases[] = {
		{ "* OK ready\r\n", "", 12, false, IMAP_OK },
		{ "* ok\n", "a1", 5, false, IMAP_OK },
		{ "* PREAUTH x\r\n", "", 13, false, IMAP_PREAUTH },
		{ "* BYE x\r\nrest", "a1", 9, false, IMAP_BYE },
		{ "* OKAY x\r\n", "", 10, false, IMAP_OTHER },
		{ "* CAPABILITY IMAP4rev1\r\n", "a1", 24, false, IMAP_OTHER },
		{ "* \r\n", "a1", 4, false, IMAP_OTHER },
		{ "+ go on\r\n", "a1", 9, false, IMAP_OTHER },
		{ "+ OK\r\n", "a1", 6, false, IMAP_OTHER },
		{ "a1 OK done\r\n", "a1", 12, true, IMAP_OK },
		{ "A1 Ok done\r\n", "a1", 12, true, IMAP_OK },
		{ "a1 NO\r\n", "a1", 7, true, IMAP_NO },
		{ "a1 BAD x\r\n", "a1", 10, true, IMAP_BAD },
		{ "a2 OK x\r\n", "a1", -EBADMSG, false, 0 },
		{ "a1 OK x\r\n", "", -EBADMSG, false, 0 },
		{ "a1\r\n", "a1", -EBADMSG, false, 0 },
		{ "*OK\r\n", "", -EBADMSG, false, 0 },
		{ "\r\n", "", -EBADMSG, false, 0 },
		{ "220 smtp\r\n", "", -EBADMSG, false, 0 },
		{ "* OK no end", "", -EAGAIN, false, 0 },
		{ "", "", -EAGAIN, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct imap_reply reply = { 0 };
		ssize_t n = monitor__imap_reply(cases[i].bytes, strlen(cases[i].bytes),
		                                cases[i].tag, &reply);

		if (n != cases[i].result)
			fail_msg("\"%s\": %zd", cases[i].bytes, n);
		if (n < 0)
			continue;
		assert_int_equal(reply.tagged, cases[i].tagged);
		assert_int_equal(reply.word, cases[i].word);
	}
}

enum outcome {
	DONE,    /* complete without the end of the stream */
	AT_END,  /* complete with it */
	CUT,     /* not complete at the end */
	REFUSED, /* -EBADMSG */
};

struct http_case {
	const char *bytes;
	enum outcome outcome;
	unsigned status;
	const char *said; /* body, or the problem */
	bool head;
};

/* Feed in pieces of the given size; the outcome may not depend on it. */
static void http_feed(const struct http_case *c, struct http_reply *reply, size_t piece)
{
	size_t len = strlen(c->bytes);
	int r = 0;

	monitor__http_begin(reply, c->head);
	for (size_t at = 0; at < len && r == 0; at += piece)
		r = monitor__http_feed(reply, c->bytes + at, len - at < piece ? len - at : piece);
	if (r != (c->outcome == DONE ? 1 : c->outcome == REFUSED ? -EBADMSG : 0))
		fail_msg("\"%s\" by %zu: %d (%s)", c->bytes, piece, r,
		         reply->problem != NULL ? reply->problem : "no problem");
	if (r == 0)
		assert_int_equal(monitor__http_end(reply), c->outcome == AT_END ? 1 : -EBADMSG);
	if (c->outcome == REFUSED || c->outcome == CUT) {
		if (strstr(reply->problem, c->said) == NULL)
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", c->bytes, reply->problem,
			         c->said);
		return;
	}
	assert_int_equal(reply->status, c->status);
	assert_int_equal(reply->body_len, strlen(c->said));
	assert_memory_equal(reply->body, c->said, reply->body_len);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void http(void **state _unused_)
{
	static const struct http_case cases[] = {
		{ OK "Content-Length: 5\r\n\r\nhello", DONE, 200, "hello", false },
		{ OK "Content-Length: 5\r\n\r\nhello and more", DONE, 200, "hello", false },
		{ OK "content-length:  5 \r\nX: y\r\n\r\nhello", DONE, 200, "hello", false },
		{ OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", DONE, 200, "hello",
		  false },
		{ OK "Content-Length: 0\r\n\r\n", DONE, 200, "", false },
		{ OK "\r\nuntil the end", AT_END, 200, "until the end", false },
		{ OK "\r\n", AT_END, 200, "", false },
		{ "HTTP/1.0 503 Gone\n\nold", AT_END, 503, "old", false },
		{ "HTTP/1.1 204\r\n\r\n", DONE, 204, "", false },
		{ "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", DONE, 304, "", false },
		{ OK "Content-Length: 9\r\n\r\n", DONE, 200, "", true },
		{ "HTTP/1.1 100 Go\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", DONE, 200, "x",
		  false },
		{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", DONE, 200,
		  "hello", false },
		{ OK "Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n000\r\nT: "
		     "x\r\n\r\n",
		  DONE, 200, "hello", false },
		{ OK "Content-Length: 5\r\n\r\nhell", CUT, 0, "in the middle of the body", false },
		{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CUT, 0,
		  "in the middle of the body", false },
		{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", CUT, 0,
		  "in the middle of the body", false },
		{ OK "Content-Length: 5\r\n", CUT, 0, "before the answer was complete", false },
		{ "HTTP/1.1 20", CUT, 0, "before the answer was complete", false },
		{ "", CUT, 0, "before the answer was complete", false },
		{ "220 smtp\r\n", REFUSED, 0, "not HTTP/1", false },
		{ "HTTP/2.0 200 OK\r\n", REFUSED, 0, "not HTTP/1", false },
		{ "HTTP/1.1 2000 OK\r\n", REFUSED, 0, "three digits", false },
		{ "HTTP/1.1 099 OK\r\n", REFUSED, 0, "three digits", false },
		{ "HTTP/1.1 101 Switch\r\n\r\n", REFUSED, 0, "switches protocols", false },
		{ OK "no colon\r\n", REFUSED, 0, "name: value", false },
		{ OK ": x\r\n", REFUSED, 0, "name: value", false },
		{ OK "A : x\r\n", REFUSED, 0, "name: value", false },
		{ OK "A: x\r\n folded: y\r\n", REFUSED, 0, "name: value", false },
		{ OK "A: x\ry\r\n", REFUSED, 0, "bare CR", false },
		{ OK "Content-Length: -1\r\n", REFUSED, 0, "not a number", false },
		{ OK "Content-Length: 5, 5\r\n", REFUSED, 0, "not a number", false },
		{ OK "Content-Length: 9999999999999999999\r\n", REFUSED, 0, "not a number", false },
		{ OK "Content-Length:\r\n", REFUSED, 0, "not a number", false },
		{ OK "Content-Length: 5\r\nContent-Length: 6\r\n", REFUSED, 0, "two different",
		  false },
		{ OK "Transfer-Encoding: gzip, chunked\r\n", REFUSED, 0, "not \"chunked\"", false },
		{ OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", REFUSED, 0,
		  "not \"chunked\"", false },
		{ OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", REFUSED, 0, "both",
		  false },
		{ OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", REFUSED, 0, "chunk size", false },
		{ OK "Transfer-Encoding: chunked\r\n\r\n\r\n", REFUSED, 0, "chunk size", false },
		{ OK "Transfer-Encoding: chunked\r\n\r\n5x\r\n", REFUSED, 0, "chunk size", false },
		{ OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", REFUSED, 0,
		  "longer than it says", false },
		{ OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", REFUSED, 0,
		  "too large", false },
	};
	struct http_reply *reply = malloc(sizeof(*reply));

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static const size_t pieces[] = { 1, 2, 3, 7, 4096 };

		for (size_t j = 0; j < ARRAY_SIZE(pieces); j++)
			http_feed(&cases[i], reply, pieces[j]);
	}
	free(reply);
}

static void http_bounds(void **state _unused_)
{
	struct http_reply *reply = malloc(sizeof(*reply));
	static char block[1000];
	size_t fed = 0;
	int r = 0;

	memset(block, 'x', sizeof(block));
	/* A line without end. */
	monitor__http_begin(reply, false);
	while (r == 0)
		r = monitor__http_feed(reply, block, sizeof(block));
	assert_int_equal(r, -EBADMSG);
	assert_string_equal(reply->problem, "a line is too long");
	/* Lines without end. */
	monitor__http_begin(reply, false);
	assert_int_equal(monitor__http_feed(reply, OK, strlen(OK)), 0);
	do
		r = monitor__http_feed(reply, "A: b\r\n", 6);
	while (r == 0);
	assert_string_equal(reply->problem, "the head is too long");
	/* Interim answers without end. */
	monitor__http_begin(reply, false);
	do
		r = monitor__http_feed(reply, "HTTP/1.1 100 Go\r\n\r\n", 19);
	while (r == 0);
	assert_string_equal(reply->problem, "the head is too long");
	/* Chunks of one byte without end: their frames count as head. */
	monitor__http_begin(reply, false);
	assert_int_equal(monitor__http_feed(reply, OK "Transfer-Encoding: chunked\r\n\r\n", 47), 0);
	do
		r = monitor__http_feed(reply, "1\r\nx\r\n", 6);
	while (r == 0);
	assert_string_equal(reply->problem, "the head is too long");
	/* A body of which the first 24 KiB are enough. */
	monitor__http_begin(reply, false);
	assert_int_equal(monitor__http_feed(reply, OK "\r\n", strlen(OK) + 2), 0);
	for (r = 0; r == 0; fed += sizeof(block))
		r = monitor__http_feed(reply, block, sizeof(block));
	assert_int_equal(r, 1);
	assert_int_equal(reply->body_len, HTTP_REPLY_BODY_MAX);
	assert_true(fed < HTTP_REPLY_BODY_MAX + 2 * sizeof(block));
	free(reply);
}

static void http_nul_in_the_head(void **state _unused_)
{
	struct http_reply *reply = malloc(sizeof(*reply));

	monitor__http_begin(reply, false);
	assert_int_equal(monitor__http_feed(reply, "HTTP/1.1 200 \0\r\n", 16), -EBADMSG);
	assert_string_equal(reply->problem, "a line holds a NUL");
	free(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smtp),
		cmocka_unit_test(imap),
		cmocka_unit_test(http),
		cmocka_unit_test(http_bounds),
		cmocka_unit_test(http_nul_in_the_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
