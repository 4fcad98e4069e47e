/* TLS by OpenSSL: contexts for servers (SNI) and clients (verification), and the stream operations over them. */
#ifndef SHUNT_TLS_TLS_H
#define SHUNT_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/diag.h"
#include "net/stream.h"

struct tls_server; /* the certificates of one vip, shared by all workers, immutable */
struct tls_client; /* how we verify one kind of backend */

/* ---- server ---- */
/* An empty server; certificates are added, then it is used. TLS 1.2 and 1.3, http/1.1 by ALPN, one ticket a handshake. */
int tls_server_new(struct tls_server **ret_server) _must_check_;
struct tls_server *tls_server_free(struct tls_server *server);
/* Add one PEM with certificate, chain and key (any order). The first one added is the default. Names come from the
 * subjectAltName (DNS, wildcard in the leftmost label). The reason for a refusal goes to diag with place. */
int tls_server_add(struct tls_server *server, const void *pem, size_t len, const struct place *place,
                   struct diag *diag) _must_check_;
/* Turn an open stream into the server side of TLS; then stream_handshake() until it is not -EAGAIN. */
int tls_accept(struct stream *stream, struct tls_server *server) _must_check_;
/* The name the client asked for (SNI), lower case, or NULL. Valid as long as the stream. */
const char *tls_sni(const struct stream *stream);

/* ---- client ---- */
struct tls_client_options {
	bool verify;        /* chain and name; false: only encrypt */
	const void *ca_pem; /* NULL: the system's certificates */
	size_t ca_len;
};
int tls_client_new(const struct tls_client_options *options, struct diag *diag, struct tls_client **ret_client) _must_check_;
struct tls_client *tls_client_free(struct tls_client *client);
/* Turn a connected stream into the client side. name: SNI and the name to verify; when NULL, addr is verified as an IP
 * address and no SNI is sent. */
int tls_connect(struct stream *stream, struct tls_client *client, const char *name, const struct addr *addr) _must_check_;

/* "TLSv1.3", or NULL for a plain stream. */
const char *tls_version(const struct stream *stream);
/* Why the last TLS call on this stream failed, for people: "certificate verify failed: self-signed certificate". */
const char *tls_error(const struct stream *stream, char *buf, size_t size);

#endif
