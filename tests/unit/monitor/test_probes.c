/* Each kind of monitor against backends that follow a script: good ones, and every way to be bad. */
#include <signal.h>
#include "unit/monitor/fake.h"
#include "unit/monitor/world.h"

struct probe_case {
	const char *name;
	const char *script[16];
	bool ok;
	enum probe_stage stage;
	const char *text;
	const char *excerpt; /* NULL: not looked at */
	const char *last;    /* what the backend read last; NULL: not looked at */
};

static struct testcert ca, good, wrong_name, expired, foreign;
static char *ca_pem;

static int make_all(void **state _unused_)
{
	signal(SIGPIPE, SIG_IGN);
	ca = testcert_make(&(struct testcert_is){ "Test CA", .authority = true, .until_days = 30 });
	good = testcert_make(&(struct testcert_is){ "ex01.test", "DNS:ex01.test,IP:127.0.0.1",
	                                            .until_days = 9, .issuer = &ca });
	wrong_name = testcert_make(&(struct testcert_is){ "ex99.test", "DNS:ex99.test",
	                                                  .until_days = 9, .issuer = &ca });
	expired = testcert_make(&(struct testcert_is){
		"ex01.test", "DNS:ex01.test", .from_days = -9, .until_days = -1, .issuer = &ca });
	foreign = testcert_make(
		&(struct testcert_is){ "ex01.test", "DNS:ex01.test", .until_days = 9 });
	ca_pem = TESTCERT_PEM(CERT(&ca));
	return 0;
}

static int free_all(void **state _unused_)
{
	testcert_free(&ca);
	testcert_free(&good);
	testcert_free(&wrong_name);
	testcert_free(&expired);
	testcert_free(&foreign);
	free(ca_pem);
	return 0;
}

static void check(const struct probe_case *c, const struct ipc_verdict *verdict)
{
	if (verdict->ok != c->ok || verdict->stage != c->stage ||
	    strstr(verdict->text, c->text) == NULL)
		fail_msg("%s: ok %d stage %d \"%s\"", c->name, verdict->ok, verdict->stage,
		         verdict->text);
	if (c->excerpt != NULL && strstr(verdict->excerpt, c->excerpt) == NULL)
		fail_msg("%s: the excerpt is \"%s\"", c->name, verdict->excerpt);
	assert_int_equal(verdict->run, 1);
	assert_int_equal(verdict->health, c->ok ? MEMBER_UP : MEMBER_UNKNOWN);
	assert_true(verdict->took_us > 0);
}

static void run_case(const struct probe_case *c, struct world *world, const char *address,
                     const struct testcert *cert)
{
	struct watcher watcher;
	struct fake fake;

	fake_start(&fake, address, cert, c->script);
	assert_int_equal(addr_parse(address, &world->backends[0].addr), 0);
	world->members[0].port = fake.port;
	/* Only who waits for a timeout is in a hurry: this machine may be busy. */
	if (strstr(c->text, "timed out") == NULL) {
		world->monitors[0].timeout_ms = 3000;
		world->monitors[0].interval_ms = 4000;
	}
	watcher_start(&watcher, world);
	check(c, watcher_wait(&watcher, 1));
	/* The good-bye. */
	watcher_run(&watcher, 30);
	watcher_stop(&watcher);
	fake_stop(&fake);
	if (fake.surprised)
		fail_msg("%s: the backend read \"%s\"", c->name, fake.last);
	if (c->last != NULL && strcmp(fake.last, c->last) != 0)
		fail_msg("%s: the backend read last \"%s\"", c->name, fake.last);
	if (c->ok && fake.reset)
		fail_msg("%s: the connection was reset", c->name);
}

static void run_cases(enum monitor_type type, const struct probe_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct world world;

		world_make(&world, type, "127.0.0.1", 0);
		run_case(&cases[i], &world, i % 2 == 0 ? "127.0.0.1" : "::1", NULL);
	}
}

/* ---- tcp ---- */

static void tcp(void **state _unused_)
{
	static const struct probe_case cases[] = {
		{ "silent", { "W" }, true, STAGE_DONE, "ok", "", NULL },
		{ "silent, IPv6", { "W" }, true, STAGE_DONE, "ok", "", NULL },
		{ "talks first", { "S:220 hello\r\n", "W" }, true, STAGE_DONE, "ok", "", NULL },
	};

	run_cases(MONITOR_tcp, cases, ARRAY_SIZE(cases));
}

static uint16_t free_port(void)
{
	static const char *const nothing[] = { NULL };
	struct fake fake;

	fake_start(&fake, "127.0.0.1", NULL, nothing);
	fake_stop(&fake);
	return fake.port;
}

static void nobody_listens(void **state _unused_)
{
	for (enum monitor_type type = 0; type < MONITOR_TYPES; type++) {
		struct watcher watcher;
		struct world world;

		world_make(&world, type, "127.0.0.1", free_port());
		watcher_start(&watcher, &world);
		const struct ipc_verdict *verdict = watcher_wait(&watcher, 1);
		assert_false(verdict->ok);
		assert_int_equal(verdict->stage, STAGE_CONNECT);
		assert_string_equal(verdict->text, "connection refused");
		watcher_stop(&watcher);
	}
}

/* A full accept queue of a listener nobody serves: SYNs are dropped. */
static void nobody_answers(void **state _unused_)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(in);
	struct watcher watcher;
	struct world world;
	int fillers[4];

	assert_int_equal(bind(listener, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], (struct sockaddr *)&in, len);
	}
	world_make(&world, MONITOR_tcp, "127.0.0.1", ntohs(in.sin_port));
	watcher_start(&watcher, &world);
	const struct ipc_verdict *verdict = watcher_wait(&watcher, 1);
	assert_false(verdict->ok);
	assert_int_equal(verdict->stage, STAGE_CONNECT);
	assert_string_equal(verdict->text, "timed out after 100 ms");
	assert_in_range(verdict->took_us, 90000, 1000000);
	watcher_stop(&watcher);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		close(fillers[i]);
	close(listener);
}

static void no_port_is_told(void **state _unused_)
{
	struct watcher watcher;
	struct world world;

	world_make(&world, MONITOR_tcp, "127.0.0.1", 0);
	watcher_start(&watcher, &world);
	assert_string_equal(watcher_wait(&watcher, 1)->text, "there is no port to probe");
	watcher_stop(&watcher);
}

/* ---- smtp ---- */

#define GREET "S:220 ex01.test Microsoft ESMTP MAIL Service ready\r\n"
#define EHLO  "R:EHLO probe.test", "S:250-ex01.test Hello\r\n250-SIZE 37748736\r\n250 SMTPUTF8\r\n"
#define MAIL  "R:MAIL FROM:<probe@test>"

static void smtp(void **state _unused_)
{
	static const struct probe_case cases[] = {
		{ "good",
		  { GREET, EHLO, MAIL, "S:250 2.1.0 ok\r\n", "R:RSET", "S:250 2.0.0 ok\r\n",
		    "R:QUIT", "S:221 bye\r\n", "W" },
		  true,
		  STAGE_DONE,
		  "ok",
		  "221 bye",
		  "QUIT" },
		{ "byte by byte",
		  { "D:220-hello\r\n220 there\r\n", "R:EHLO", "D:250-a\r\n250 b\r\n", MAIL,
		    "D:250 ok\r\n", "R:RSET", "D:250 ok\r\n", "R:QUIT", "D:221 bye\r\n" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  "QUIT" },
		{ "HELO only",
		  { GREET, "R:EHLO", "S:502 what?\r\n", "R:HELO probe.test", "S:250 hi\r\n", MAIL,
		    "S:250 ok\r\n", "R:RSET", "S:250 ok\r\n", "R:QUIT", "S:221 bye\r\n" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "hangs up at QUIT",
		  { GREET, EHLO, MAIL, "S:250 ok\r\n", "R:RSET", "S:250 ok\r\n", "R:QUIT" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "wants a login",
		  { GREET, EHLO, MAIL, "S:530 5.7.57 Client was not authenticated\r\n", "R:QUIT",
		    "S:221 bye\r\n", "W" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  "QUIT" },
		{ "wants a login, 550",
		  { GREET, EHLO, MAIL, "S:550 5.7.57 Client not authenticated\r\n", "R:QUIT",
		    "S:221 bye\r\n" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "in maintenance",
		  { GREET, EHLO, MAIL, "S:421 4.3.2 Service not available\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "MAIL FROM was answered with 421",
		  "421 4.3.2 Service not available",
		  "QUIT" },
		{ "421 for a greeting",
		  { "S:421 4.3.2 Service not active\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the greeting was answered with 421",
		  "421 4.3.2",
		  "QUIT" },
		{ "421 for EHLO",
		  { GREET, "R:EHLO", "S:421 no\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "EHLO was answered with 421",
		  NULL,
		  "QUIT" },
		{ "421 for RSET",
		  { GREET, EHLO, MAIL, "S:250 ok\r\n", "R:RSET", "S:421 no\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "RSET was answered with 421",
		  NULL,
		  "QUIT" },
		{ "421 for QUIT",
		  { GREET, EHLO, MAIL, "S:250 ok\r\n", "R:RSET", "S:250 ok\r\n", "R:QUIT",
		    "S:421 no\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "QUIT was answered with 421",
		  NULL,
		  NULL },
		{ "no service",
		  { "S:554 no SMTP here\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the greeting was answered with 554, expected 220",
		  "554 no SMTP",
		  "QUIT" },
		{ "refuses us",
		  { GREET, EHLO, MAIL, "S:550 5.7.1 no relay\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "MAIL FROM was answered with 550, expected 250 or 530",
		  "550 5.7.1",
		  "QUIT" },
		{ "550 5.7.570 is something else",
		  { GREET, EHLO, MAIL, "S:550 5.7.570 x\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "answered with 550",
		  NULL,
		  "QUIT" },
		{ "EHLO and HELO refused",
		  { GREET, "R:EHLO", "S:500 no\r\n", "R:HELO", "S:500 no\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "HELO was answered with 500, expected 250",
		  NULL,
		  "QUIT" },
		{ "EHLO later",
		  { GREET, "R:EHLO", "S:451 later\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "EHLO was answered with 451, expected 250",
		  NULL,
		  "QUIT" },
		{ "RSET refused",
		  { GREET, EHLO, MAIL, "S:250 ok\r\n", "R:RSET", "S:500 no\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "RSET was answered with 500",
		  NULL,
		  "QUIT" },
		{ "silence", { "W" }, false, STAGE_RECEIVE, "timed out after 100 ms", "", NULL },
		{ "silence after EHLO",
		  { GREET, "R:EHLO", "W" },
		  false,
		  STAGE_RECEIVE,
		  "timed out after 100 ms",
		  "220 ex01.test",
		  NULL },
		{ "half a line",
		  { "S:220 hello", "W" },
		  false,
		  STAGE_RECEIVE,
		  "timed out after 100 ms",
		  NULL,
		  NULL },
		{ "reset", { "X" }, false, STAGE_RECEIVE, "connection reset by peer", NULL, NULL },
		{ "reset after EHLO",
		  { GREET, "R:EHLO", "X" },
		  false,
		  STAGE_RECEIVE,
		  "connection reset by peer",
		  "220 ex01.test",
		  NULL },
		{ "closed",
		  { NULL },
		  false,
		  STAGE_RECEIVE,
		  "closed before the answer was complete",
		  NULL,
		  NULL },
		{ "truncated",
		  { GREET, "R:EHLO", "S:250-ex01.test Hello\r\n250-SI" },
		  false,
		  STAGE_RECEIVE,
		  "closed before the answer was complete",
		  "250-ex01.test Hello 250-SI",
		  NULL },
		{ "endless line",
		  { "F:220-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		  false,
		  STAGE_RECEIVE,
		  "an answer is longer than 4096 bytes",
		  "220-xxx",
		  NULL },
		{ "endless lines",
		  { "F:220-more\r\n" },
		  false,
		  STAGE_RECEIVE,
		  "an answer is longer than 4096 bytes",
		  "220-more 220-more",
		  NULL },
		{ "endless good-byes",
		  { "F:421 no\r\n" },
		  false,
		  STAGE_MATCH,
		  "answered with 421",
		  NULL,
		  NULL },
		{ "not SMTP",
		  { "S:+OK POP3 \x01\xff\033[31mready\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the answer to the greeting is not SMTP",
		  "+OK POP3 ...[31mready",
		  NULL },
		{ "codes that differ",
		  { "S:220-a\r\n250 b\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "is not SMTP",
		  NULL,
		  NULL },
	};

	run_cases(MONITOR_smtp, cases, ARRAY_SIZE(cases));
}

static void smtp_words_that_cannot_be_sent(void **state _unused_)
{
	static const struct probe_case bad_helo = { "helo",     { GREET, "W" },        false,
		                                    STAGE_SEND, "helo has characters", NULL,
		                                    NULL };
	static const struct probe_case bad_from = {
		"from", { GREET, "W" }, false, STAGE_SEND, "mail_from has characters", NULL, NULL
	};
	struct world world;

	world_make(&world, MONITOR_smtp, "127.0.0.1", 0);
	world.monitors[0].helo = "x\r\nDATA";
	run_case(&bad_helo, &world, "127.0.0.1", NULL);
	world_make(&world, MONITOR_smtp, "127.0.0.1", 0);
	world.monitors[0].mail_from = "a b";
	run_case(&bad_from, &world, "127.0.0.1", NULL);
}

/* ---- imap ---- */

#define READY "S:* OK The Microsoft Exchange IMAP4 service is ready.\r\n"
#define CAPA  "R:a1 CAPABILITY", "S:* CAPABILITY IMAP4rev1\r\na1 OK done\r\n"

static void imap(void **state _unused_)
{
	static const struct probe_case cases[] = {
		{ "good",
		  { READY, CAPA, "R:a2 LOGOUT", "S:* BYE bye\r\na2 OK done\r\n", "W" },
		  true,
		  STAGE_DONE,
		  "ok",
		  "a2 OK done",
		  "a2 LOGOUT" },
		{ "lower case",
		  { "S:* ok x\r\n", "R:a1", "S:A1 ok\r\n", "R:a2", "S:* bye\r\nA2 Ok x\r\n", "W" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "logged in",
		  { "S:* PREAUTH hi\r\n", CAPA, "R:a2", "S:* BYE\r\na2 OK\r\n" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "byte by byte",
		  { "D:* OK hi\r\n", "R:a1", "D:a1 OK\r\n", "R:a2", "D:* BYE\r\na2 OK\r\n" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "hangs up after BYE",
		  { READY, CAPA, "R:a2", "S:* BYE\r\n" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "BYE for a greeting",
		  { "S:* BYE down for maintenance\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the greeting was answered with BYE",
		  "* BYE down for",
		  "a3 LOGOUT" },
		{ "BYE for CAPABILITY",
		  { READY, "R:a1", "S:* BYE Connection closed.\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "CAPABILITY was answered with BYE",
		  NULL,
		  "a3 LOGOUT" },
		{ "NO for a greeting",
		  { "S:* NO\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the greeting is not * OK",
		  NULL,
		  NULL },
		{ "CAPABILITY refused",
		  { READY, "R:a1", "S:a1 NO Server Unavailable. 15\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "CAPABILITY was refused",
		  "a1 NO Server Unavailable. 15",
		  "a3 LOGOUT" },
		{ "LOGOUT refused",
		  { READY, CAPA, "R:a2", "S:a2 BAD x\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "LOGOUT was refused",
		  NULL,
		  NULL },
		{ "closed at LOGOUT",
		  { READY, CAPA, "R:a2" },
		  false,
		  STAGE_RECEIVE,
		  "closed before",
		  NULL,
		  NULL },
		{ "silence", { "W" }, false, STAGE_RECEIVE, "timed out after 100 ms", NULL, NULL },
		{ "silence after the greeting",
		  { READY, "W" },
		  false,
		  STAGE_RECEIVE,
		  "timed out after 100 ms",
		  "* OK The Microsoft",
		  NULL },
		{ "reset",
		  { READY, "R:a1", "X" },
		  false,
		  STAGE_RECEIVE,
		  "connection reset by peer",
		  NULL,
		  NULL },
		{ "truncated",
		  { "S:* OK rea" },
		  false,
		  STAGE_RECEIVE,
		  "closed before the answer was complete",
		  "* OK rea",
		  NULL },
		{ "endless line",
		  { "F:* OK xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		  false,
		  STAGE_RECEIVE,
		  "an answer is longer than 4096 bytes",
		  NULL,
		  NULL },
		{ "endless lines",
		  { READY, "F:* 1 EXISTS "
		           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		           "xxxxx\r\n" },
		  false,
		  STAGE_RECEIVE,
		  "more than 65536 bytes received",
		  NULL,
		  NULL },
		{ "not IMAP",
		  { "S:220 smtp\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the answer to the greeting is not IMAP",
		  "220 smtp",
		  NULL },
		{ "another tag",
		  { READY, "R:a1", "S:b1 OK\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the answer to CAPABILITY is not IMAP",
		  NULL,
		  NULL },
	};

	run_cases(MONITOR_imap, cases, ARRAY_SIZE(cases));
}

/* ---- http ---- */

#define ASKED                                                                                     \
	"R:GET /owa/healthcheck.htm HTTP/1.1", "R:Host: owa.test", "R:User-Agent: shunt-monitor", \
		"R:Accept: */*", "R:Connection: close", "R:"
#define OK "HTTP/1.1 200 OK\r\n"

static void http_world(struct world *world)
{
	world_make(world, MONITOR_http, "127.0.0.1", 0);
	world->monitors[0].path = "/owa/healthcheck.htm";
	world->monitors[0].host = "owa.test";
	world->monitors[0].expect_body = "200 OK";
}

static void http(void **state _unused_)
{
	static const struct probe_case cases[] = {
		{ "good",
		  { ASKED, "S:" OK "Content-Length: 21\r\n\r\n200 OK<br/>EX01.LAB.AT", "W" },
		  true,
		  STAGE_DONE,
		  "ok",
		  "HTTP/1.1 200 OK 200 OK<br/>EX01",
		  NULL },
		{ "until the end",
		  { ASKED, "S:" OK "\r\n200 OK<br/>EX01" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "chunked, byte by byte",
		  { ASKED,
		    "D:" OK "Transfer-Encoding: chunked\r\n\r\n3\r\n200\r\n3\r\n OK\r\n0\r\n\r\n" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "endless page",
		  { ASKED, "S:" OK "\r\n200 OK", "F:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		  true,
		  STAGE_DONE,
		  "ok",
		  NULL,
		  NULL },
		{ "wrong status",
		  { ASKED, "S:HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\n200 OK",
		    "W" },
		  false,
		  STAGE_MATCH,
		  "the status is 503, expected 200",
		  "HTTP/1.1 503 Service Unavailable",
		  NULL },
		{ "wrong body",
		  { ASKED, "S:" OK "Content-Length: 5\r\n\r\nhello", "W" },
		  false,
		  STAGE_MATCH,
		  "\"200 OK\" is not in the first 5 bytes of the body",
		  "HTTP/1.1 200 OK hello",
		  NULL },
		{ "the words only in the head",
		  { ASKED, "S:" OK "X: 200 OK\r\nContent-Length: 0\r\n\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "is not in the first 0 bytes",
		  NULL,
		  NULL },
		{ "the words too late",
		  { ASKED, "S:" OK "\r\n", "F:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		  false,
		  STAGE_MATCH,
		  "is not in the first 24576 bytes",
		  NULL,
		  NULL },
		{ "truncated body",
		  { ASKED, "S:" OK "Content-Length: 99\r\n\r\n200 OK" },
		  false,
		  STAGE_RECEIVE,
		  "closed in the middle of the body",
		  "200 OK",
		  NULL },
		{ "truncated head",
		  { ASKED, "S:HTTP/1.1 200 OK\r\nContent-Le" },
		  false,
		  STAGE_RECEIVE,
		  "closed before the answer was complete",
		  NULL,
		  NULL },
		{ "closed",
		  { ASKED },
		  false,
		  STAGE_RECEIVE,
		  "closed before the answer was complete",
		  NULL,
		  NULL },
		{ "reset",
		  { ASKED, "X" },
		  false,
		  STAGE_RECEIVE,
		  "connection reset by peer",
		  NULL,
		  NULL },
		{ "silence", { "W" }, false, STAGE_RECEIVE, "timed out after 100 ms", NULL, NULL },
		{ "silence in the body",
		  { ASKED, "S:" OK "Content-Length: 99\r\n\r\n200 OK", "W" },
		  false,
		  STAGE_RECEIVE,
		  "timed out after 100 ms",
		  NULL,
		  NULL },
		{ "endless line",
		  { ASKED, "F:HTTP/1.1 200 OK and so on" },
		  false,
		  STAGE_MATCH,
		  "too long",
		  NULL,
		  NULL },
		{ "endless head",
		  { ASKED, "S:" OK, "F:Name: value and more of it\r\n" },
		  false,
		  STAGE_MATCH,
		  "the head is too long",
		  NULL,
		  NULL },
		{ "not HTTP",
		  { "S:220 smtp ready\r\n", "W" },
		  false,
		  STAGE_MATCH,
		  "the answer is not HTTP/1",
		  NULL,
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world world;

		http_world(&world);
		run_case(&cases[i], &world, i % 2 == 0 ? "127.0.0.1" : "::1", NULL);
	}
}

static void http_other_questions(void **state _unused_)
{
	static const struct probe_case moved = {
		"302",
		{ "R:HEAD /x HTTP/1.1", "R:Host: [::1]:", "R:", "R:", "R:", "R:",
		  "S:HTTP/1.1 302 Found\r\nContent-Length: 7\r\n\r\n", "W" },
		true,
		STAGE_DONE,
		"ok",
		NULL,
		NULL
	};
	static const struct probe_case bad = {
		"path", { "W" }, false, STAGE_SEND, "method, path or host has characters",
		NULL,   NULL
	};
	static char path[4096];
	static const struct probe_case longer = {
		"path", { "W" }, false, STAGE_SEND, "the question is longer than 2048 bytes",
		NULL,   NULL
	};
	struct world world;

	world_make(&world, MONITOR_http, "127.0.0.1", 0);
	world.monitors[0].method = "HEAD";
	world.monitors[0].path = "/x";
	world.monitors[0].expect_status = 302;
	run_case(&moved, &world, "::1", NULL);
	http_world(&world);
	world.monitors[0].path = "/ HTTP/1.1\r\nX: y";
	run_case(&bad, &world, "127.0.0.1", NULL);
	http_world(&world);
	memset(path, '/', sizeof(path) - 1);
	world.monitors[0].path = path;
	run_case(&longer, &world, "127.0.0.1", NULL);
}

/* ---- TLS ---- */

#define PAGE                                                          \
	{                                                             \
		ASKED, "S:" OK "Content-Length: 6\r\n\r\n200 OK", "W" \
	}

static void tls(void **state _unused_)
{
	static const struct {
		struct probe_case c;
		const struct testcert *cert;
		const char *name;
	} cases[] = {
		{ { "good", PAGE, true, STAGE_DONE, "ok", "200 OK", NULL }, &good, "ex01.test" },
		{ { "by address", PAGE, true, STAGE_DONE, "ok", NULL, NULL }, &good, NULL },
		{ { "wrong name", PAGE, false, STAGE_TLS,
		    "certificate verify failed: hostname mismatch: it is not for ex01.test but for "
		    "CN=ex99.test",
		    NULL, NULL },
		  &wrong_name,
		  "ex01.test" },
		{ { "wrong address", PAGE, false, STAGE_TLS,
		    "certificate verify failed: IP address mismatch", NULL, NULL },
		  &wrong_name,
		  NULL },
		{ { "expired", PAGE, false, STAGE_TLS,
		    "certificate verify failed: certificate has expired: CN=ex01.test", NULL,
		    NULL },
		  &expired,
		  "ex01.test" },
		{ { "foreign", PAGE, false, STAGE_TLS,
		    "certificate verify failed: self-signed certificate", NULL, NULL },
		  &foreign,
		  "ex01.test" },
		{ { "no TLS there",
		    { "S:220 smtp ready\r\n", "W" },
		    false,
		    STAGE_TLS,
		    "wrong version number",
		    NULL,
		    NULL },
		  NULL,
		  "ex01.test" },
		{ { "hangs up",
		    { NULL },
		    false,
		    STAGE_TLS,
		    "connection reset by peer",
		    NULL,
		    NULL },
		  NULL,
		  "ex01.test" },
		{ { "reset", { "X" }, false, STAGE_TLS, "connection reset by peer", NULL, NULL },
		  NULL,
		  "ex01.test" },
		{ { "truncated",
		    { ASKED, "S:" OK "\r\n200 OK", "X" },
		    false,
		    STAGE_RECEIVE,
		    "reset",
		    NULL,
		    NULL },
		  &good,
		  "ex01.test" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world world;

		http_world(&world);
		world_trust(&world, ca_pem, cases[i].name);
		run_case(&cases[i].c, &world, "127.0.0.1", cases[i].cert);
	}
}

static void tls_silence_and_settings(void **state _unused_)
{
	static const struct probe_case silent = {
		"silent", { "W" }, false, STAGE_TLS, "timed out after 100 ms", NULL, NULL
	};
	static const struct probe_case page = { "not verified", PAGE, true, STAGE_DONE,
		                                "ok",           NULL, NULL };
	static const struct probe_case bad_ca = {
		"bad CA", { "W" }, false, STAGE_TLS, "there is no certificate in the CA file",
		NULL,     NULL
	};
	static const struct probe_case tcp_tls = { "tcp over TLS", { "W" }, true, STAGE_DONE,
		                                   "ok",           NULL,    NULL };
	struct world world;

	http_world(&world);
	world_trust(&world, ca_pem, "ex01.test");
	world.monitors[0].timeout_ms = 100;
	run_case(&silent, &world, "127.0.0.1", NULL);
	http_world(&world);
	world_trust(&world, ca_pem, "ex01.test");
	world.monitors[0].tls.verify = false;
	run_case(&page, &world, "127.0.0.1", &foreign);
	http_world(&world);
	world_trust(&world, "nonsense", "ex01.test");
	run_case(&bad_ca, &world, "127.0.0.1", NULL);
	/* The backend's own name is the one that is verified when the monitor has none. */
	world_make(&world, MONITOR_tcp, "127.0.0.1", 0);
	world_trust(&world, ca_pem, NULL);
	world.backends[0].server_name = "ex99.test";
	run_case(&tcp_tls, &world, "127.0.0.1", &wrong_name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(no_port_is_told),
		cmocka_unit_test(smtp),
		cmocka_unit_test(smtp_words_that_cannot_be_sent),
		cmocka_unit_test(imap),
		cmocka_unit_test(http),
		cmocka_unit_test(http_other_questions),
		cmocka_unit_test(tls),
		cmocka_unit_test(tls_silence_and_settings),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
