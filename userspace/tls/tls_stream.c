/* The stream operations over OpenSSL, and what both sides of TLS share. */
#include "tls/tls_session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

/* Mozilla's "intermediate" list for TLS 1.2; OpenSSL's own three suites for 1.3 are the same as Mozilla's. */
#define CIPHERS                                                                                    \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"   \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"

#define ERROR_MAX 256

const char *tls__queue_text(char *buf, size_t size)
{
	unsigned long first = ERR_peek_error(), code = first;
	const char *reason;

	/* The first entry is the cause, unless a lower library only remarked on it. */
	for (unsigned long next = ERR_get_error(); next != 0; next = ERR_get_error()) {
		if (ERR_GET_LIB(next) != ERR_LIB_SSL)
			continue;
		code = next;
		break;
	}
	ERR_clear_error();
	reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	if (reason != NULL)
		snprintf(buf, size, "%s", reason);
	else if (ERR_SYSTEM_ERROR(code) && ERR_GET_REASON(code) != 0)
		snprintf(buf, size, "%s", strerror(ERR_GET_REASON(code)));
	else
		snprintf(buf, size, "OpenSSL error %lx", code);
	return buf;
}

const char *tls__subject(X509 *cert, char *buf, size_t size)
{
	BIO *out = BIO_new(BIO_s_mem());
	int n = 0;

	/* RFC 2253 escapes what is not printable. */
	if (out != NULL &&
	    X509_NAME_print_ex(out, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) > 0)
		n = BIO_read(out, buf, (int)size - 1);
	buf[n > 0 ? n : 0] = '\0';
	BIO_free(out);
	ERR_clear_error();
	if (n <= 0)
		snprintf(buf, size, "(no subject)");
	return buf;
}

static void session_error(struct tls_session *session, const char *text)
{
	session->failed = true;
	/* Lost when memory is out: tls_error() then only says that it failed. */
	if (session->error == NULL)
		session->error = strdup(text);
}

int tls__on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	struct tls_session *session = SSL_get_app_data(ssl);
	int error = X509_STORE_CTX_get_error(store);
	char text[ERROR_MAX], subject[128] = "";

	if (ok == 1 || session == NULL)
		return ok;
	if (cert != NULL)
		tls__subject(cert, subject, sizeof(subject));
	if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
		snprintf(text, sizeof(text),
		         "certificate verify failed: %s: it is not for %s but for %s",
		         X509_verify_cert_error_string(error), session->expected, subject);
	else
		snprintf(text, sizeof(text), "certificate verify failed: %s%s%s",
		         X509_verify_cert_error_string(error), subject[0] != '\0' ? ": " : "",
		         subject);
	session_error(session, text);
	return ok;
}

static int protocol_failed(struct tls_session *session)
{
	unsigned long code = ERR_peek_error();
	char text[ERROR_MAX];

	if (SSL_get_verify_result(session->ssl) != X509_V_OK && session->failed)
		return -EKEYREJECTED;
	if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		session_error(session, session->established
		                               ? "the peer ended without close_notify"
		                               : "the peer closed during the handshake");
		return -ECONNRESET;
	}
	session_error(session, tls__queue_text(text, sizeof(text)));
	return -EPROTO;
}

static int system_failed(struct tls_session *session, int error)
{
	if (error == 0)
		error = ECONNRESET;
	session_error(session, strerror(error));
	return -error;
}

/* What an OpenSSL call that returned r (not 1) means. End of stream is 0. The queue is left empty. */
static int session_result(struct tls_session *session, int r, int error)
{
	int reason = SSL_get_error(session->ssl, r);
	int result;

	switch (reason) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		result = system_failed(session, error);
		break;
	default:
		result = protocol_failed(session);
		break;
	}
	ERR_clear_error();
	return result;
}

static ssize_t tls_read(struct stream *stream, void *buf, size_t len)
{
	struct tls_session *session = stream->tls;
	size_t n = 0;
	int r;

	if (len == 0)
		return -EINVAL;
	if (session->failed)
		return -ECONNRESET;
	ERR_clear_error();
	errno = 0;
	stream->crossed &= ~(uint32_t)EPOLLOUT;
	if (SSL_read_ex(session->ssl, buf, len, &n) == 1)
		return (ssize_t)n;
	r = session_result(session, 0, errno);
	if (r == -EAGAIN && SSL_want_write(session->ssl))
		stream->crossed |= EPOLLOUT;
	return r;
}

static ssize_t tls_write(struct stream *stream, const void *buf, size_t len)
{
	struct tls_session *session = stream->tls;
	size_t n = 0;
	int r;

	if (session->failed)
		return -EPIPE;
	if (len == 0)
		return 0;
	ERR_clear_error();
	errno = 0;
	stream->crossed &= ~(uint32_t)EPOLLIN;
	if (SSL_write_ex(session->ssl, buf, len, &n) == 1)
		return (ssize_t)n;
	r = session_result(session, 0, errno);
	if (r == -EAGAIN && SSL_want_read(session->ssl))
		stream->crossed |= EPOLLIN;
	return r == 0 ? -EPIPE : r;
}

static int tls_handshake(struct stream *stream)
{
	struct tls_session *session = stream->tls;
	int r;

	if (session->failed)
		return -ECONNRESET;
	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(session->ssl);
	if (r == 1) {
		session->established = true;
		stream->crossed = 0;
		return 0;
	}
	stream->crossed = EPOLLIN | EPOLLOUT;
	r = session_result(session, r, errno);
	return r == 0 ? -ECONNRESET : r;
}

/* close_notify, then FIN: the peer sees the end whichever it looks at. */
static int tls_shutdown(struct stream *stream)
{
	struct tls_session *session = stream->tls;
	int r;

	if (!session->failed && SSL_is_init_finished(session->ssl)) {
		ERR_clear_error();
		errno = 0;
		r = SSL_shutdown(session->ssl);
		if (r < 0) {
			r = session_result(session, r, errno);
			if (r < 0)
				return r;
		}
	}
	return shutdown(stream->watch.fd, SHUT_WR) < 0 ? -errno : 0;
}

static void tls_done(struct stream *stream)
{
	struct tls_session *session = stream->tls;

	stream->tls = NULL;
	stream->crossed = 0;
	SSL_free(session->ssl);
	ERR_clear_error();
	free(session->sni);
	free(session->expected);
	free(session->error);
	free(session);
}

static const struct stream_ops tls_ops = {
	.read = tls_read,
	.write = tls_write,
	.handshake = tls_handshake,
	.shutdown = tls_shutdown,
	.done = tls_done,
};

int tls__session_new(struct stream *stream, SSL_CTX *ctx, struct tls_session **ret_session)
{
	_cleanup_(freep) struct tls_session *session = calloc(1, sizeof(*session));
	BIO *bio;

	if (session == NULL)
		return -ENOMEM;
	if (stream->tls != NULL || stream->watch.loop == NULL)
		return -EINVAL;
	session->stream = stream;
	session->ssl = SSL_new(ctx);
	if (session->ssl == NULL) {
		ERR_clear_error();
		return -ENOMEM;
	}
	bio = tls__bio_new(stream);
	if (bio == NULL) {
		SSL_free(session->ssl);
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_app_data(session->ssl, session);
	stream->tls = session;
	stream->ops = &tls_ops;
	*ret_session = TAKE(session);
	return 0;
}

int tls__ctx_new(const SSL_METHOD *method, SSL_CTX **ret_ctx)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1) {
		SSL_CTX_free(ctx);
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	*ret_ctx = ctx;
	return 0;
}

const char *tls_sni(const struct stream *stream)
{
	const struct tls_session *session = stream->tls;

	return session != NULL ? session->sni : NULL;
}

const char *tls_version(const struct stream *stream)
{
	const struct tls_session *session = stream->tls;

	return session != NULL ? SSL_get_version(session->ssl) : NULL;
}

const char *tls_error(const struct stream *stream, char *buf, size_t size)
{
	const struct tls_session *session = stream->tls;
	const char *text = "";

	if (session != NULL && session->failed)
		text = session->error != NULL ? session->error : "failed";
	snprintf(buf, size, "%s", text);
	return buf;
}
