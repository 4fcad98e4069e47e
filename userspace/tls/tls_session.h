/* Inside tls/: the TLS state of one stream, and what both sides share. */
#ifndef SHUNT_TLS_TLS_SESSION_H
#define SHUNT_TLS_TLS_SESSION_H

#include <openssl/ssl.h>
#include "base/addr.h"
#include "tls/tls.h"

struct tls_session {
	SSL *ssl;
	struct stream *stream;
	char *sni;      /* server: what the client asked for */
	char *expected; /* client: the name or address that is verified */
	char *error;    /* why it failed; set once */
	bool established;
	bool failed; /* OpenSSL must not be asked to write any more, not even an alert */
};

/* Make TLS of a plain stream: a session over a new SSL of ctx. The stream stays plain on failure. */
int tls__session_new(struct stream *stream, SSL_CTX *ctx, struct tls_session **ret_session)
	_must_check_;
/* Settings of both sides: versions, ciphers, buffers. */
int tls__ctx_new(const SSL_METHOD *method, SSL_CTX **ret_ctx) _must_check_;
/* SSL_verify_cb: writes down which certificate failed and why, which nobody knows later. */
int tls__on_verify(int ok, X509_STORE_CTX *store);
/* A BIO that moves bytes over the stream's socket and never raises SIGPIPE. */
BIO *tls__bio_new(struct stream *stream);
/* What OpenSSL has to say about the last failure of this thread, for people; empties its queue. */
const char *tls__queue_text(char *buf, size_t size);
/* "CN=mail.example.org" or whatever the subject has; buf is filled and returned. */
const char *tls__subject(X509 *cert, char *buf, size_t size);

#endif
