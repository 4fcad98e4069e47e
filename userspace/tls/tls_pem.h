/* Inside tls/: one certificate with chain and key, read from PEM. */
#ifndef SHUNT_TLS_TLS_PEM_H
#define SHUNT_TLS_TLS_PEM_H

#include <openssl/x509.h>
#include "base/diag.h"

/* OpenSSL keeps one certificate of each kind in a context and gives every client the one it can use. */
enum key_kind {
	KEY_RSA,
	KEY_RSA_PSS,
	KEY_EC,
	KEY_ED25519,
	KEY_ED448,
	KEY_KINDS,
};

struct tls_cert {
	X509 *leaf;
	STACK_OF(X509) * chain; /* issuers in order, without the root */
	EVP_PKEY *key;
	enum key_kind kind;
	char **names; /* DNS names of the leaf, lower case, valid ones only */
	size_t n_names;
};

/* Read the blocks in any order, find the certificate the key belongs to and sort its chain. Every mistake goes to diag.
 * The caller owns *ret_cert. */
int tls__cert_new(const void *pem, size_t len, const struct place *place, struct diag *diag,
                  struct tls_cert **ret_cert) _must_check_;
struct tls_cert *tls__cert_free(struct tls_cert *cert);

/* Write name to buf (of size bytes) in lower case without a final dot; false when it is not a host name, with wildcard
 * allowed in the leftmost label or not. */
enum wildcard {
	WILDCARD_NO,
	WILDCARD_YES,
};
bool tls__name_clean(const char *name, size_t len, enum wildcard wildcard, char *buf, size_t size);

static inline void tls__cert_freep(struct tls_cert **cert)
{
	tls__cert_free(*cert);
}

#endif
