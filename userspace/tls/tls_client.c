/* The client side: how backends are verified. */
#include "tls/tls_session.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Debian's bundle, read at once: roles may not open files later, as OpenSSL's own lookup by directory would. */
#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

struct tls_client {
	SSL_CTX *ctx;
	bool verify;
};

static int ca_add(SSL_CTX *ctx, X509 *cert, size_t n, struct diag *diag)
{
	char text[128];

	if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1)
		return 0;
	return diag_error(diag, -EINVAL, NULL, "certificate %zu of the CA file cannot be used: %s",
	                  n, tls__queue_text(text, sizeof(text)));
}

/* Never ask at the terminal for the pass phrase of a key that has no business here. */
static int no_pass_phrase(char *buf _unused_, int size _unused_, int write _unused_,
                          void *owner _unused_)
{
	return -1;
}

static int ca_load(SSL_CTX *ctx, const void *pem, size_t len, struct diag *diag)
{
	BIO *in = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	char text[128];
	size_t n = 0;
	int r = 0;

	if (in == NULL)
		return diag_error(diag, -EINVAL, NULL, "the CA file is too large");
	while (r == 0) {
		X509 *cert = PEM_read_bio_X509(in, NULL, no_pass_phrase, NULL);

		if (cert == NULL)
			break;
		r = ca_add(ctx, cert, ++n, diag);
		X509_free(cert);
	}
	BIO_free(in);
	if (r == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		r = diag_error(diag, -EINVAL, NULL, "certificate %zu of the CA file is broken: %s",
		               n + 1, tls__queue_text(text, sizeof(text)));
	else if (r == 0 && n == 0)
		r = diag_error(diag, -EINVAL, NULL, "there is no certificate in the CA file");
	ERR_clear_error();
	return r;
}

static int ca_system(SSL_CTX *ctx, struct diag *diag)
{
	char text[128];

	if (getenv(X509_get_default_cert_file_env()) == NULL &&
	    SSL_CTX_load_verify_file(ctx, SYSTEM_BUNDLE) == 1)
		return 0;
	ERR_clear_error();
	if (SSL_CTX_set_default_verify_paths(ctx) == 1)
		return 0;
	return diag_error(diag, -ENOENT, NULL, "the system's CA certificates cannot be read: %s",
	                  tls__queue_text(text, sizeof(text)));
}

int tls_client_new(const struct tls_client_options *options, struct diag *diag,
                   struct tls_client **ret_client)
{
	_cleanup_(tls_client_freep) struct tls_client *client = calloc(1, sizeof(*client));
	int r;

	if (client == NULL)
		return diag_error(diag, -ENOMEM, NULL, "out of memory");
	client->verify = options->verify;
	r = tls__ctx_new(TLS_client_method(), &client->ctx);
	if (r < 0)
		return diag_error(diag, r, NULL, "TLS cannot be set up");
	if (options->verify && options->ca_pem != NULL) {
		r = ca_load(client->ctx, options->ca_pem, options->ca_len, diag);
		/* Who names a backend's own certificate, or an intermediate one, as CA trusts just that. */
		X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(client->ctx),
		                            X509_V_FLAG_PARTIAL_CHAIN);
	} else if (options->verify) {
		r = ca_system(client->ctx, diag);
	}
	if (r < 0)
		return r;
	SSL_CTX_set_verify(client->ctx, options->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
	                   options->verify ? tls__on_verify : NULL);
	*ret_client = TAKE(client);
	return 0;
}

struct tls_client *tls_client_free(struct tls_client *client)
{
	if (client == NULL)
		return NULL;
	SSL_CTX_free(client->ctx);
	free(client);
	return NULL;
}

/* Whom the certificate must be for: exactly one of a name and an address. */
static int expect_peer(struct tls_session *session, const char *name, const struct addr *addr)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(session->ssl);
	char text[ADDR_TEXT_MAX];

	session->expected = strdup(name != NULL ? name : addr_format(addr, text));
	if (session->expected == NULL)
		return -ENOMEM;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (name != NULL)
		return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 ? 0 : -ENOMEM;
	if (addr_is_v4(addr))
		return X509_VERIFY_PARAM_set1_ip(param, addr->b + 12, 4) == 1 ? 0 : -ENOMEM;
	return X509_VERIFY_PARAM_set1_ip(param, addr->b, 16) == 1 ? 0 : -ENOMEM;
}

int tls_connect(struct stream *stream, struct tls_client *client, const char *name,
                const struct addr *addr)
{
	struct tls_session *session;
	struct addr literal;
	int r;

	if (name != NULL && addr_parse(name, &literal) == 0) {
		addr = &literal;
		name = NULL;
	}
	/* Without either nothing would be verified; to OpenSSL an empty name means the same, and one that begins with a dot
	 * any name below it. */
	if ((name == NULL && addr == NULL) || (name != NULL && (name[0] == '\0' || name[0] == '.')))
		return -EINVAL;
	r = tls__session_new(stream, client->ctx, &session);
	if (r < 0)
		return r;
	if (client->verify) {
		r = expect_peer(session, name, addr);
		if (r < 0)
			return r;
	}
	if (name != NULL && SSL_set_tlsext_host_name(session->ssl, name) != 1) {
		ERR_clear_error();
		return -EINVAL;
	}
	SSL_set_connect_state(session->ssl);
	stream->crossed = EPOLLIN | EPOLLOUT;
	return 0;
}
