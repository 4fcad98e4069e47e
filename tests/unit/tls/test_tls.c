/* TLS between two streams of one loop: which certificate is chosen, what is verified, and how streams end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "base/clock.h"
#include "base/list.h"
#include "tls/tls.h"
#include "tls/tls_session.h"
#include "unit/tls/testcert.h"

static struct testcert ca, middle, other_ca, leaf, leaf_rsa, wild, expired, early, pinned, no_names;

static void ready(struct stream *stream _unused_, uint32_t events _unused_)
{
}

static int make_all(void **state _unused_)
{
	const struct testcert_is ca_is = { "Test CA", .authority = true, .until_days = 30 };
	const struct testcert_is other_is = { "Other CA", .authority = true, .until_days = 30 };

	ca = testcert_make(&ca_is);
	other_ca = testcert_make(&other_is);
	middle = testcert_make(&(struct testcert_is){ "Issuing CA", .authority = true,
	                                              .until_days = 30, .issuer = &ca });
	leaf = testcert_make(&(struct testcert_is){
		"mail.test", "DNS:Mail.Test,DNS:autodiscover.test,IP:127.0.0.1,IP:::1",
		.until_days = 10, .issuer = &middle });
	leaf_rsa = testcert_make(&(struct testcert_is){ "mail.test", "DNS:mail.test", .rsa = true,
	                                                .until_days = 10, .issuer = &middle });
	wild = testcert_make(&(struct testcert_is){ "wild.test", "DNS:*.wild.test",
	                                            .until_days = 10, .issuer = &ca });
	expired = testcert_make(&(struct testcert_is){ "old.test", "DNS:old.test", .from_days = -20,
	                                               .until_days = -1, .issuer = &ca });
	early = testcert_make(&(struct testcert_is){ "new.test", "DNS:new.test", .from_days = 2,
	                                             .until_days = 9, .issuer = &ca });
	pinned = testcert_make(&(struct testcert_is){ "EX01", "DNS:ex01.test", .until_days = 9 });
	no_names = testcert_make(
		&(struct testcert_is){ "plain.test", .until_days = 9, .issuer = &ca });
	return 0;
}

static int free_all(void **state _unused_)
{
	struct testcert *const all[] = { &ca,   &middle,  &other_ca, &leaf,   &leaf_rsa,
		                         &wild, &expired, &early,    &pinned, &no_names };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		testcert_free(all[i]);
	return 0;
}

/* ---- helpers ---- */

static int add(struct tls_server *server, char *pem, struct diag *diag)
{
	const struct place place = { .file = "t.yaml", .line = 7, .column = 3 };
	int r = tls_server_add(server, pem, strlen(pem), &place, diag);

	free(pem);
	assert_int_equal(ERR_peek_error(), 0);
	return r;
}

static struct tls_server *server_with(struct testcert *cert)
{
	struct tls_server *server;

	assert_int_equal(tls_server_new(&server), 0);
	assert_int_equal(add(server, TESTCERT_PEM(CERT(cert), CERT(&middle), KEY(cert)), NULL), 0);
	return server;
}

static struct tls_client *client_of(struct testcert *trusted)
{
	char *pem = trusted != NULL ? TESTCERT_PEM(CERT(trusted)) : NULL;
	struct tls_client_options options = { .verify = trusted != NULL, .ca_pem = pem };
	struct tls_client *client;

	options.ca_len = pem != NULL ? strlen(pem) : 0;
	assert_int_equal(tls_client_new(&options, NULL, &client), 0);
	free(pem);
	return client;
}

struct pair {
	struct loop *loop;
	struct stream server, client;
	int raw_server;
	int server_result, client_result;
};

static void pair_open(struct pair *pair)
{
	const int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	struct sockaddr_in in = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(pair, 0, sizeof(*pair));
	pair->loop = loop_new();
	assert_non_null(pair->loop);
	assert_int_equal(bind(listener, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&in, len), 0);
	pair->raw_server = accept4(listener, NULL, NULL, flags & ~SOCK_STREAM);
	assert_true(pair->raw_server >= 0);
	assert_int_equal(fcntl(client, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(stream_open(&pair->client, pair->loop, client, ready), 0);
	assert_int_equal(stream_open(&pair->server, pair->loop, pair->raw_server, ready), 0);
	close(listener);
}

static void pair_close(struct pair *pair)
{
	stream_close(&pair->client);
	stream_close(&pair->server);
	loop_free(pair->loop);
	assert_int_equal(ERR_peek_error(), 0);
}

static void pair_handshake(struct pair *pair)
{
	pair->server_result = pair->client_result = -EAGAIN;
	for (int i = 0; i < 1000; i++) {
		if (pair->client_result == -EAGAIN)
			pair->client_result = stream_handshake(&pair->client);
		assert_int_equal(ERR_peek_error(), 0);
		if (pair->server_result == -EAGAIN)
			pair->server_result = stream_handshake(&pair->server);
		assert_int_equal(ERR_peek_error(), 0);
		if (pair->client_result != -EAGAIN && pair->server_result != -EAGAIN)
			return;
		/* A client that gave up does not wait for the server to notice. */
		if (pair->client_result < 0 && pair->client_result != -EAGAIN)
			return;
		assert_int_equal(loop_once(pair->loop, 10), 0);
	}
	fail_msg("no end of the handshake: client %d server %d", pair->client_result,
	         pair->server_result);
}

static void pair_shake(struct pair *pair, struct tls_server *server, struct tls_client *client,
                       const char *name)
{
	struct addr addr;

	assert_int_equal(addr_parse("127.0.0.1", &addr), 0);
	pair_open(pair);
	assert_int_equal(tls_accept(&pair->server, server), 0);
	assert_int_equal(tls_connect(&pair->client, client, name, &addr), 0);
	pair_handshake(pair);
}

static ssize_t read_soon(struct pair *pair, struct stream *stream, void *buf, size_t len)
{
	ssize_t n = -EAGAIN;

	for (int i = 0; i < 200 && n == -EAGAIN; i++) {
		n = stream_read(stream, buf, len);
		if (n == -EAGAIN)
			assert_int_equal(loop_once(pair->loop, 10), 0);
	}
	return n;
}

static SSL *ssl_of(struct stream *stream)
{
	return ((struct tls_session *)stream->tls)->ssl;
}

static bool client_sees(struct pair *pair, struct testcert *cert)
{
	X509 *peer = SSL_get0_peer_certificate(ssl_of(&pair->client));

	return peer != NULL && X509_cmp(peer, cert->cert) == 0;
}

static void assert_error(struct stream *stream, const char *part)
{
	char text[256];

	if (strstr(tls_error(stream, text, sizeof(text)), part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* ---- the handshake and its data ---- */

static void talks_and_ends_cleanly(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(&ca);
	struct pair pair;
	char buf[64];

	pair_shake(&pair, server, client, "mail.test");
	assert_int_equal(pair.client_result, 0);
	assert_int_equal(pair.server_result, 0);
	assert_string_equal(tls_version(&pair.client), "TLSv1.3");
	assert_string_equal(tls_version(&pair.server), "TLSv1.3");
	assert_string_equal(tls_sni(&pair.server), "mail.test");
	assert_true(client_sees(&pair, &leaf));
	assert_int_equal(stream_write(&pair.client, "hello", 5), 5);
	assert_int_equal(read_soon(&pair, &pair.server, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(stream_read(&pair.server, buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(stream_shutdown(&pair.client), 0);
	assert_int_equal(read_soon(&pair, &pair.server, buf, sizeof(buf)), 0);
	/* Half closed: the answer still arrives. */
	assert_int_equal(stream_write(&pair.server, "bye", 3), 3);
	assert_int_equal(stream_shutdown(&pair.server), 0);
	assert_int_equal(read_soon(&pair, &pair.client, buf, sizeof(buf)), 3);
	assert_int_equal(read_soon(&pair, &pair.client, buf, sizeof(buf)), 0);
	assert_string_equal(tls_error(&pair.client, buf, sizeof(buf)), "");
	pair_close(&pair);
	tls_client_free(client);
	tls_server_free(server);
}

/* 4 MiB against a reader that lags: partial writes from moving buffers, and not a byte lost. */
static void bulk_with_back_pressure(void **state _unused_)
{
	enum {
		TOTAL = 4 << 20
	};
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(&ca);
	uint8_t *sent = malloc(TOTAL), *got = malloc(TOTAL);
	size_t n_sent = 0, n_got = 0;
	bool blocked = false;
	struct pair pair;

	for (size_t i = 0; i < TOTAL; i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 13);
	pair_shake(&pair, server, client, "mail.test");
	while (n_got < TOTAL) {
		ssize_t n = 0;

		while (n_sent < TOTAL) {
			/* Another buffer at every try. */
			size_t part = TOTAL - n_sent < 50000 ? TOTAL - n_sent : 50000;
			void *copy = malloc(part);

			memcpy(copy, sent + n_sent, part);
			n = stream_write(&pair.server, copy, part);
			free(copy);
			if (n < 0)
				break;
			n_sent += (size_t)n;
		}
		assert_true(n >= 0 || n == -EAGAIN);
		blocked = blocked || n == -EAGAIN;
		n = read_soon(&pair, &pair.client, got + n_got, TOTAL - n_got);
		assert_true(n > 0);
		n_got += (size_t)n;
	}
	assert_true(blocked);
	assert_memory_equal(sent, got, TOTAL);
	pair_close(&pair);
	tls_client_free(client);
	tls_server_free(server);
	free(sent);
	free(got);
}

static void truncation_is_no_clean_end(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(&ca);
	struct pair pair;
	char buf[64];

	pair_shake(&pair, server, client, "mail.test");
	assert_int_equal(stream_write(&pair.server, "half", 4), 4);
	/* FIN without close_notify, as somebody in between could send it. */
	assert_int_equal(shutdown(pair.raw_server, SHUT_WR), 0);
	assert_int_equal(read_soon(&pair, &pair.client, buf, sizeof(buf)), 4);
	assert_int_equal(read_soon(&pair, &pair.client, buf, sizeof(buf)), -ECONNRESET);
	assert_error(&pair.client, "without close_notify");
	assert_int_equal(stream_read(&pair.client, buf, sizeof(buf)), -ECONNRESET);
	assert_int_equal(stream_write(&pair.client, "x", 1), -EPIPE);
	pair_close(&pair);
	tls_client_free(client);
	tls_server_free(server);
}

/* With SIGPIPE at its default, as a program that forgot to ignore it. */
static void writing_to_the_gone_is_an_error(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(&ca);
	struct linger now = { .l_onoff = 1 };
	struct pair pair;
	ssize_t n = 1;

	pair_shake(&pair, server, client, "mail.test");
	assert_int_equal(setsockopt(pair.raw_server, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	stream_close(&pair.server);
	usleep(10000);
	for (int i = 0; i < 100 && n > 0; i++)
		n = stream_write(&pair.client, "x", 1);
	assert_true(n == -EPIPE || n == -ECONNRESET);
	assert_int_equal(stream_write(&pair.client, "x", 1), -EPIPE);
	pair_close(&pair);
	tls_client_free(client);
	tls_server_free(server);
}

/* ---- which certificate ---- */

static void names_choose_certificates(void **state _unused_)
{
	struct {
		const char *name;
		struct testcert *expected;
		const char *sni;
	} cases[] = {
		{ "mail.test", &leaf, "mail.test" },
		{ "MAIL.Test", &leaf, "mail.test" },
		{ "mail.test.", &leaf, "mail.test" },
		{ "autodiscover.test", &leaf, "autodiscover.test" },
		{ "a.wild.test", &wild, "a.wild.test" },
		{ "old.test", &expired, "old.test" },
		/* A wildcard is one label, neither none nor two. */
		{ "wild.test", &leaf, "wild.test" },
		{ "a.b.wild.test", &leaf, "a.b.wild.test" },
		{ "unknown.test", &leaf, "unknown.test" },
		{ "127.0.0.1", &leaf, NULL },
		/* Not host names: as if nothing had been asked for. */
		{ "a b.test", &leaf, NULL },
		{ "*.wild.test", &leaf, NULL },
		{ "a..test", &leaf, NULL },
		{ NULL, &leaf, NULL },
	};
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(NULL);

	assert_int_equal(add(server, TESTCERT_PEM(CERT(&wild), KEY(&wild)), NULL), 0);
	assert_int_equal(add(server, TESTCERT_PEM(CERT(&expired), KEY(&expired)), NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair pair;

		pair_shake(&pair, server, client, cases[i].name);
		assert_int_equal(pair.client_result, 0);
		assert_int_equal(pair.server_result, 0);
		if (!client_sees(&pair, cases[i].expected))
			fail_msg("the wrong certificate for %s", cases[i].name);
		if (cases[i].sni != NULL)
			assert_string_equal(tls_sni(&pair.server), cases[i].sni);
		else
			assert_null(tls_sni(&pair.server));
		pair_close(&pair);
	}
	tls_client_free(client);
	tls_server_free(server);
}

static void shake_with(struct tls_server *server, const char *name, const char *algorithms,
                       const char *ciphers, struct testcert *expected)
{
	struct tls_client *client = client_of(NULL);
	struct pair pair;

	pair_open(&pair);
	assert_int_equal(tls_accept(&pair.server, server), 0);
	assert_int_equal(tls_connect(&pair.client, client, name, NULL), 0);
	assert_int_equal(SSL_set1_sigalgs_list(ssl_of(&pair.client), algorithms), 1);
	if (ciphers != NULL) {
		assert_int_equal(SSL_set_cipher_list(ssl_of(&pair.client), ciphers), 1);
		assert_int_equal(SSL_set_max_proto_version(ssl_of(&pair.client), TLS1_2_VERSION),
		                 1);
	}
	pair_handshake(&pair);
	assert_int_equal(pair.client_result, expected != NULL ? 0 : -EPROTO);
	if (expected != NULL)
		assert_true(client_sees(&pair, expected));
	pair_close(&pair);
	tls_client_free(client);
}

/* RSA and ECDSA for one name: each client gets the one it can use; a name with only one kind does not borrow. */
static void both_key_kinds_for_one_name(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);

	assert_int_equal(
		add(server, TESTCERT_PEM(CERT(&leaf_rsa), CERT(&middle), KEY(&leaf_rsa)), NULL), 0);
	shake_with(server, "mail.test", "ECDSA+SHA256:RSA-PSS+SHA256", NULL, &leaf);
	shake_with(server, "mail.test", "RSA-PSS+SHA256", NULL, &leaf_rsa);
	shake_with(server, "mail.test", "ECDSA+SHA256", NULL, &leaf);
	shake_with(server, "mail.test", "RSA+SHA256", "ECDHE-RSA-AES128-GCM-SHA256", &leaf_rsa);
	shake_with(server, "mail.test", "ECDSA+SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", &leaf);
	shake_with(server, "mail.test", "RSA+SHA256", "DHE-RSA-AES128-GCM-SHA256", &leaf_rsa);
	shake_with(server, "autodiscover.test", "RSA-PSS+SHA256", NULL, NULL);
	tls_server_free(server);
}

static void the_second_of_a_kind_is_told(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct diag diag = { 0 };

	assert_int_equal(add(server, TESTCERT_PEM(CERT(&leaf), KEY(&leaf)), &diag), 0);
	assert_int_equal(diag.errors, 0);
	assert_int_equal(diag.n, 1);
	assert_non_null(strstr(diag.entries[0].text, "never used"));
	diag_done(&diag);
	tls_server_free(server);
}

/* ---- PEM ---- */

static char *broken_pem(void)
{
	char *pem = TESTCERT_PEM(CERT(&leaf), KEY(&leaf));

	memset(strstr(pem, "-----END CERTIFICATE") - 40, '!', 8);
	return pem;
}

static char *garbage_cert(void)
{
	return strdup("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
}

static char *encrypted_key(void)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes, *pem;
	long len;

	PEM_write_bio_X509(out, leaf.cert);
	PEM_write_bio_PKCS8PrivateKey(out, leaf.key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	len = BIO_get_mem_data(out, &bytes);
	pem = strndup(bytes, (size_t)len);
	BIO_free(out);
	return pem;
}

static void wrong_pem_is_explained(void **state _unused_)
{
	struct {
		char *pem;
		const char *expected;
	} cases[] = {
		{ strdup(""), "this is not PEM" },
		{ strdup("hello\nworld\n"), "this is not PEM" },
		{ TESTCERT_PEM(CERT(&leaf)), "there is no private key" },
		{ TESTCERT_PEM(KEY(&leaf)), "there is no certificate" },
		{ TESTCERT_PEM(CERT(&leaf), KEY(&wild)),
		  "does not belong to the certificate (CN=mail.test)" },
		{ TESTCERT_PEM(CERT(&leaf), KEY(&leaf), KEY(&wild)), "second private key" },
		{ broken_pem(), "PEM block 1 is broken" },
		{ garbage_cert(), "PEM block 1 is not a certificate" },
		{ encrypted_key(), "the private key is encrypted" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tls_server *server;
		struct diag diag = { 0 };

		assert_int_equal(tls_server_new(&server), 0);
		assert_int_equal(add(server, cases[i].pem, &diag), -EINVAL);
		assert_int_equal(diag.errors, 1);
		if (strstr(diag.entries[0].text, cases[i].expected) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", diag.entries[0].text,
			         cases[i].expected);
		assert_string_equal(diag.entries[0].place.file, "t.yaml");
		assert_int_equal(diag.entries[0].place.line, 7);
		diag_done(&diag);
		tls_server_free(server);
	}
}

static void dates_and_names_are_warnings(void **state _unused_)
{
	struct {
		struct testcert *cert;
		const char *expected;
	} cases[] = {
		{ &expired, "CN=old.test expired at 20" },
		{ &early, "CN=new.test is not valid before 20" },
		{ &no_names, "no DNS name in subjectAltName" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct testcert *cert = cases[i].cert;
		struct tls_server *server;
		struct diag diag = { 0 };

		assert_int_equal(tls_server_new(&server), 0);
		assert_int_equal(add(server, TESTCERT_PEM(CERT(cert), KEY(cert)), &diag), 0);
		assert_int_equal(diag.errors, 0);
		assert_int_equal(diag.n, 1);
		assert_non_null(strstr(diag.entries[0].text, cases[i].expected));
		diag_done(&diag);
		tls_server_free(server);
	}
}

/* Key first, issuers upside down, root and a stranger in between: what goes out is leaf and issuer. */
static void blocks_in_any_order(void **state _unused_)
{
	struct tls_client *client = client_of(&ca);
	struct tls_server *server;
	struct diag diag = { 0 };
	struct pair pair;

	assert_int_equal(tls_server_new(&server), 0);
	assert_int_equal(
		add(server,
	            TESTCERT_PEM(KEY(&leaf), CERT(&ca), CERT(&wild), CERT(&middle), CERT(&leaf)),
	            &diag),
		0);
	assert_int_equal(diag.errors, 0);
	assert_int_equal(diag.n, 1);
	assert_non_null(strstr(diag.entries[0].text, "CN=wild.test is not part of the chain"));
	diag_done(&diag);
	pair_shake(&pair, server, client, "mail.test");
	assert_int_equal(pair.client_result, 0);
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(ssl_of(&pair.client))), 2);
	pair_close(&pair);
	tls_client_free(client);
	tls_server_free(server);
}

static void small_keys_are_refused(void **state _unused_)
{
	struct testcert small = testcert_make(
		&(struct testcert_is){ "small.test", "DNS:small.test", .until_days = 3 });
	struct tls_server *server;
	struct diag diag = { 0 };

	EVP_PKEY_free(small.key);
	small.key = EVP_RSA_gen(1024);
	X509_set_pubkey(small.cert, small.key);
	assert_true(X509_sign(small.cert, small.key, EVP_sha256()) > 0);
	assert_int_equal(tls_server_new(&server), 0);
	assert_int_equal(add(server, TESTCERT_PEM(CERT(&small), KEY(&small)), &diag), -EINVAL);
	assert_non_null(strstr(diag.entries[0].text, "key too small"));
	diag_done(&diag);
	tls_server_free(server);
	testcert_free(&small);
}

static void accept_without_certificate_fails(void **state _unused_)
{
	struct tls_server *server;
	struct pair pair;

	assert_int_equal(tls_server_new(&server), 0);
	pair_open(&pair);
	assert_int_equal(tls_accept(&pair.server, server), -ENOENT);
	assert_null(tls_version(&pair.server));
	pair_close(&pair);
	tls_server_free(server);
}

/* ---- verification ---- */

static void verification(void **state _unused_)
{
	struct {
		struct testcert *server, *trusted;
		const char *name, *error; /* NULL: fine */
	} cases[] = {
		{ &leaf, &ca, "mail.test", NULL },
		{ &leaf, &middle, "mail.test", NULL },
		{ &leaf, &leaf, "mail.test", NULL },
		{ &leaf, &ca, NULL, NULL },        /* by address */
		{ &leaf, &ca, "127.0.0.1", NULL }, /* the same in words */
		{ &leaf, &ca, "::1", NULL },
		{ &wild, &ca, "x.wild.test", NULL },
		{ &pinned, &pinned, "ex01.test", NULL },
		{ &leaf, &ca, "127.0.0.2",
		  "IP address mismatch: it is not for 127.0.0.2 but for CN=mail.test" },
		{ &wild, &ca, NULL, "IP address mismatch" },
		{ &leaf, &ca, "other.test",
		  "ostname mismatch: it is not for other.test but for CN=mail.test" },
		{ &wild, &ca, "a.b.wild.test", "ostname mismatch" },
		{ &no_names, &ca, "other.test", "ostname mismatch" },
		{ &leaf, &other_ca, "mail.test", "certificate verify failed: unable to get" },
		{ &pinned, &ca, "ex01.test", "self-signed certificate" },
		{ &expired, &ca, "old.test", "certificate verify failed: certificate has expired" },
		{ &early, &ca, "new.test", "certificate is not yet valid" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tls_server *server = server_with(cases[i].server);
		struct tls_client *client = client_of(cases[i].trusted);
		struct pair pair;

		pair_shake(&pair, server, client, cases[i].name);
		assert_int_equal(pair.client_result, cases[i].error != NULL ? -EKEYREJECTED : 0);
		if (cases[i].error != NULL) {
			assert_error(&pair.client, cases[i].error);
			assert_int_equal(stream_write(&pair.client, "secret", 6), -EPIPE);
		}
		pair_close(&pair);
		tls_client_free(client);
		tls_server_free(server);
	}
}

static void names_that_would_verify_nothing(void **state _unused_)
{
	struct tls_client *client = client_of(&ca);

	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { NULL, "", ".test" };
		struct pair pair;

		pair_open(&pair);
		assert_int_equal(tls_connect(&pair.client, client, names[i], NULL), -EINVAL);
		pair_close(&pair);
	}
	tls_client_free(client);
}

static void ca_files(void **state _unused_)
{
	char *good = TESTCERT_PEM(CERT(&ca), CERT(&other_ca)), *key = TESTCERT_PEM(KEY(&ca)),
	     *broken = broken_pem();
	struct {
		const char *pem, *error;
	} cases[] = {
		{ good, NULL },
		{ "", "no certificate in the CA file" },
		{ "nonsense", "no certificate in the CA file" },
		{ key, "no certificate in the CA file" },
		{ broken, "certificate 1 of the CA file is broken" },
		{ NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tls_client_options options = { .verify = true, .ca_pem = cases[i].pem };
		struct tls_client *client = NULL;
		struct diag diag = { 0 };

		options.ca_len = cases[i].pem != NULL ? strlen(cases[i].pem) : 0;
		assert_int_equal(tls_client_new(&options, &diag, &client),
		                 cases[i].error != NULL ? -EINVAL : 0);
		if (cases[i].error != NULL) {
			assert_null(client);
			assert_non_null(strstr(diag.entries[0].text, cases[i].error));
		}
		assert_int_equal(ERR_peek_error(), 0);
		diag_done(&diag);
		tls_client_free(client);
	}
	free(good);
	free(key);
	free(broken);
}

/* ---- what is refused, and what breaks ---- */

static void old_versions_are_refused(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(NULL);
	struct pair pair;

	pair_open(&pair);
	assert_int_equal(tls_accept(&pair.server, server), 0);
	assert_int_equal(tls_connect(&pair.client, client, "mail.test", NULL), 0);
	SSL_set_min_proto_version(ssl_of(&pair.client), TLS1_VERSION);
	SSL_set_max_proto_version(ssl_of(&pair.client), TLS1_1_VERSION);
	SSL_set_cipher_list(ssl_of(&pair.client), "ALL:@SECLEVEL=0");
	pair_handshake(&pair);
	assert_int_equal(pair.client_result, -EPROTO);
	assert_error(&pair.client, "version");
	pair_close(&pair);
	tls_client_free(client);
	tls_server_free(server);
}

static void alpn(void **state _unused_)
{
	static const struct {
		const char *offered;
		bool fine;
	} cases[] = {
		{ "\x08http/1.1", true },
		{ "\x02h2\x08http/1.1", true },
		{ "\x02h2", false },
		{ "\x04imap", false },
	};
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const unsigned char *chosen;
		unsigned int len;
		struct pair pair;

		pair_open(&pair);
		assert_int_equal(tls_accept(&pair.server, server), 0);
		assert_int_equal(tls_connect(&pair.client, client, "mail.test", NULL), 0);
		assert_int_equal(SSL_set_alpn_protos(ssl_of(&pair.client),
		                                     (const unsigned char *)cases[i].offered,
		                                     (unsigned)strlen(cases[i].offered)),
		                 0);
		pair_handshake(&pair);
		assert_int_equal(pair.client_result, cases[i].fine ? 0 : -EPROTO);
		if (cases[i].fine) {
			SSL_get0_alpn_selected(ssl_of(&pair.client), &chosen, &len);
			assert_int_equal(len, 8);
			assert_memory_equal(chosen, "http/1.1", 8);
		}
		pair_close(&pair);
	}
	tls_client_free(client);
	tls_server_free(server);
}

static void renegotiation_is_refused(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(NULL);
	struct pair pair;
	char buf[8];

	pair_open(&pair);
	assert_int_equal(tls_accept(&pair.server, server), 0);
	assert_int_equal(tls_connect(&pair.client, client, "mail.test", NULL), 0);
	SSL_set_max_proto_version(ssl_of(&pair.client), TLS1_2_VERSION);
	SSL_clear_options(ssl_of(&pair.client), SSL_OP_NO_RENEGOTIATION);
	pair_handshake(&pair);
	assert_string_equal(tls_version(&pair.server), "TLSv1.2");
	assert_int_equal(SSL_renegotiate(ssl_of(&pair.client)), 1);
	SSL_do_handshake(ssl_of(&pair.client));
	assert_int_equal(stream_read(&pair.server, buf, sizeof(buf)), -EAGAIN);
	assert_true(read_soon(&pair, &pair.client, buf, sizeof(buf)) < 0);
	assert_error(&pair.client, "no renegotiation");
	pair_close(&pair);
	tls_client_free(client);
	tls_server_free(server);
}

/* A session ticket, and just one: the second handshake is resumed although the server keeps no state. */
static void tickets_resume(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct tls_client *client = client_of(NULL);
	SSL_SESSION *session;
	struct pair pair;
	char buf[8];

	pair_shake(&pair, server, client, "mail.test");
	assert_int_equal(read_soon(&pair, &pair.client, buf, sizeof(buf)), -EAGAIN);
	session = SSL_get1_session(ssl_of(&pair.client));
	assert_true(SSL_SESSION_has_ticket(session));
	assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
	stream_shutdown(&pair.client);
	pair_close(&pair);
	pair_open(&pair);
	assert_int_equal(tls_accept(&pair.server, server), 0);
	assert_int_equal(tls_connect(&pair.client, client, "mail.test", NULL), 0);
	assert_int_equal(SSL_set_session(ssl_of(&pair.client), session), 1);
	pair_handshake(&pair);
	assert_int_equal(SSL_session_reused(ssl_of(&pair.server)), 1);
	assert_string_equal(tls_sni(&pair.server), "mail.test");
	pair_close(&pair);
	SSL_SESSION_free(session);
	tls_client_free(client);
	tls_server_free(server);
}

static void plain_text_is_refused(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct pair pair;
	int r = -EAGAIN;

	pair_open(&pair);
	assert_int_equal(tls_accept(&pair.server, server), 0);
	assert_int_equal(stream_write(&pair.client, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	for (int i = 0; i < 100 && r == -EAGAIN; i++) {
		assert_int_equal(loop_once(pair.loop, 10), 0);
		r = stream_handshake(&pair.server);
	}
	assert_int_equal(r, -EPROTO);
	assert_error(&pair.server, "http request");
	pair_close(&pair);
	tls_server_free(server);
}

static void peer_that_hangs_up_in_the_handshake(void **state _unused_)
{
	struct tls_client *client = client_of(&ca);
	struct pair pair;
	int r = -EAGAIN;

	pair_open(&pair);
	assert_int_equal(tls_connect(&pair.client, client, "mail.test", NULL), 0);
	assert_int_equal(stream_handshake(&pair.client), -EAGAIN);
	assert_int_equal(shutdown(pair.raw_server, SHUT_WR), 0);
	for (int i = 0; i < 100 && r == -EAGAIN; i++) {
		assert_int_equal(loop_once(pair.loop, 10), 0);
		r = stream_handshake(&pair.client);
	}
	assert_int_equal(r, -ECONNRESET);
	assert_error(&pair.client, "during the handshake");
	pair_close(&pair);
	tls_client_free(client);
}

/* One failing stream must not make another one on the same thread fail. */
static void failures_do_not_spread(void **state _unused_)
{
	struct tls_server *server = server_with(&leaf);
	struct tls_client *good = client_of(&ca), *bad = client_of(&other_ca);
	struct pair fine, failing;
	char buf[8];

	pair_shake(&fine, server, good, "mail.test");
	pair_shake(&failing, server, bad, "mail.test");
	assert_int_equal(failing.client_result, -EKEYREJECTED);
	ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
	assert_int_equal(stream_read(&fine.client, buf, sizeof(buf)), -EAGAIN);
	ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
	assert_int_equal(stream_write(&fine.client, "x", 1), 1);
	assert_int_equal(read_soon(&fine, &fine.server, buf, sizeof(buf)), 1);
	pair_close(&failing);
	pair_close(&fine);
	tls_client_free(good);
	tls_client_free(bad);
	tls_server_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks_and_ends_cleanly),
		cmocka_unit_test(bulk_with_back_pressure),
		cmocka_unit_test(truncation_is_no_clean_end),
		cmocka_unit_test(writing_to_the_gone_is_an_error),
		cmocka_unit_test(names_choose_certificates),
		cmocka_unit_test(both_key_kinds_for_one_name),
		cmocka_unit_test(the_second_of_a_kind_is_told),
		cmocka_unit_test(wrong_pem_is_explained),
		cmocka_unit_test(dates_and_names_are_warnings),
		cmocka_unit_test(blocks_in_any_order),
		cmocka_unit_test(small_keys_are_refused),
		cmocka_unit_test(accept_without_certificate_fails),
		cmocka_unit_test(verification),
		cmocka_unit_test(names_that_would_verify_nothing),
		cmocka_unit_test(ca_files),
		cmocka_unit_test(old_versions_are_refused),
		cmocka_unit_test(alpn),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(tickets_resume),
		cmocka_unit_test(plain_text_is_refused),
		cmocka_unit_test(peer_that_hangs_up_in_the_handshake),
		cmocka_unit_test(failures_do_not_spread),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
