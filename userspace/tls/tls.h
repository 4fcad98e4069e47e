/* TLS by OpenSSL: contexts for servers (SNI) and clients (verification), and the stream operations over them.
 * What the stream operations return on top of net/stream.h: a peer that ends without close_notify is -ECONNRESET, never a
 * clean end; a certificate that does not verify is -EKEYREJECTED; any other breach of the protocol is -EPROTO. After a
 * failure the stream can only be asked for tls_error() and closed. */
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
/* An empty server; certificates are added, then it is used (read only, by any number of threads). It must outlive its
 * streams. TLS 1.2 and 1.3, http/1.1 by ALPN, one ticket a handshake. */
int tls_server_new(struct tls_server **ret_server) _must_check_;
struct tls_server *tls_server_free(struct tls_server *server);
/* Add one PEM with certificate, chain and key (any order). The first one added is the default. Names come from the
 * subjectAltName (DNS, wildcard in the leftmost label); an exact name goes before a wildcard. A name may have one
 * certificate of each key type (RSA, ECDSA, …): clients get the one they can use. The reason for a refusal goes to diag
 * with place; an expired certificate is only warned about. */
int tls_server_add(struct tls_server *server, const void *pem, size_t len,
                   const struct place *place, struct diag *diag) _must_check_;
/* Turn an open stream into the server side of TLS; then stream_handshake() until it is not -EAGAIN. On failure the stream
 * can only be closed. */
int tls_accept(struct stream *stream, struct tls_server *server) _must_check_;
/* The name the client asked for (SNI), lower case, without a final dot, or NULL. Letters, digits, '-', '_' and '.' only.
 * Valid as long as the stream. */
const char *tls_sni(const struct stream *stream);

/* ---- client ---- */
struct tls_client_options {
	bool verify;        /* chain and name; false: only encrypt */
	const void *ca_pem; /* NULL: the system's certificates */
	size_t ca_len;
};
/* The reason for a refusal goes to diag, without a place. */
int tls_client_new(const struct tls_client_options *options, struct diag *diag,
                   struct tls_client **ret_client) _must_check_;
struct tls_client *tls_client_free(struct tls_client *client);
/* Turn a connected stream into the client side; then stream_handshake() until it is not -EAGAIN. name: SNI and the name to
 * verify; when it is NULL or an address, the address is verified (addr, or the one in name) and no SNI is sent. The client
 * may be freed before the stream. On failure the stream can only be closed. */
int tls_connect(struct stream *stream, struct tls_client *client, const char *name,
                const struct addr *addr) _must_check_;

/* "TLSv1.3", or NULL for a plain stream. */
const char *tls_version(const struct stream *stream);
/* Why a TLS call on this stream failed, for people: "certificate verify failed: self-signed certificate". Empty when none
 * did. To be asked before the stream is closed. Writes to buf and returns it. */
const char *tls_error(const struct stream *stream, char *buf, size_t size);

static inline void tls_server_freep(struct tls_server **server)
{
	tls_server_free(*server);
}

static inline void tls_client_freep(struct tls_client **client)
{
	tls_client_free(*client);
}

#endif
