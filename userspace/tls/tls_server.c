/* The server side: certificates by name. Each name has a set with at most one certificate of each kind of key; each
 * distinct set has one SSL_CTX, made when a certificate is added and only read afterwards. */
#include "tls/tls_session.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include "tls/tls_pem.h"

struct cert_set {
	const struct tls_cert *by_kind[KEY_KINDS];
};

struct context {
	struct cert_set set;
	SSL_CTX *ctx;
};

struct name {
	char *text; /* lower case; "" is the default; wildcards as "*.example.org" */
	SSL_CTX *ctx;
	struct cert_set set;
};

struct tls_server {
	struct tls_cert **certs;
	size_t n_certs;
	struct context *contexts;
	size_t n_contexts;
	struct name *names; /* sorted */
	size_t n_names;
};

int tls_server_new(struct tls_server **ret_server)
{
	struct tls_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return -ENOMEM;
	*ret_server = server;
	return 0;
}

struct tls_server *tls_server_free(struct tls_server *server)
{
	if (server == NULL)
		return NULL;
	for (size_t i = 0; i < server->n_names; i++)
		free(server->names[i].text);
	for (size_t i = 0; i < server->n_contexts; i++)
		SSL_CTX_free(server->contexts[i].ctx);
	for (size_t i = 0; i < server->n_certs; i++)
		tls__cert_free(server->certs[i]);
	free(server->names);
	free(server->contexts);
	free(server->certs);
	free(server);
	return NULL;
}

/* ---- names ---- */

/* Where text is, or would be. */
static size_t name_place(const struct tls_server *server, const char *text)
{
	size_t low = 0, high = server->n_names;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(server->names[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct name *name_find(const struct tls_server *server, const char *text)
{
	size_t i = name_place(server, text);

	if (i == server->n_names || strcmp(server->names[i].text, text) != 0)
		return NULL;
	return &server->names[i];
}

static struct name *name_make(struct tls_server *server, const char *text)
{
	size_t i = name_place(server, text);
	struct name *grown;

	if (i < server->n_names && strcmp(server->names[i].text, text) == 0)
		return &server->names[i];
	grown = realloc(server->names, (server->n_names + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	server->names = grown;
	memmove(&grown[i + 1], &grown[i], (server->n_names - i) * sizeof(*grown));
	memset(&grown[i], 0, sizeof(grown[i]));
	server->n_names++;
	grown[i].text = strdup(text);
	if (grown[i].text != NULL)
		return &grown[i];
	server->n_names--;
	memmove(&grown[i], &grown[i + 1], (server->n_names - i) * sizeof(*grown));
	return NULL;
}

/* Exact first, then a wildcard for the leftmost label. */
static SSL_CTX *name_choose(const struct tls_server *server, const char *sni)
{
	const struct name *name = name_find(server, sni);
	const char *dot = strchr(sni, '.');
	char text[260];

	if (name == NULL && dot != NULL) {
		snprintf(text, sizeof(text), "*%s", dot);
		name = name_find(server, text);
	}
	return name != NULL ? name->ctx : NULL;
}

/* ---- what happens in a handshake ---- */

static int on_server_name(SSL *ssl, int *alert _unused_, void *owner)
{
	const struct tls_server *server = owner;
	struct tls_session *session = SSL_get_app_data(ssl);
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char sni[256];
	SSL_CTX *ctx;

	if (asked == NULL || session == NULL ||
	    !tls__name_clean(asked, strlen(asked), WILDCARD_NO, sni, sizeof(sni)))
		return SSL_TLSEXT_ERR_NOACK;
	free(session->sni);
	session->sni = strdup(sni);
	ctx = name_choose(server, sni);
	if (ctx == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_SSL_CTX(ssl, ctx);
	return SSL_TLSEXT_ERR_OK;
}

/* A client that offers protocols of which none is ours must not be talked to as if it had asked for HTTP. */
static int on_alpn(SSL *ssl _unused_, const unsigned char **ret_protocol, unsigned char *ret_len,
                   const unsigned char *offered, unsigned int len, void *owner _unused_)
{
	static const unsigned char ours[] = "http/1.1";

	for (unsigned int i = 0; i < len; i += 1u + offered[i]) {
		if (i + 1u + offered[i] > len)
			break;
		if (offered[i] != sizeof(ours) - 1 ||
		    memcmp(&offered[i + 1], ours, sizeof(ours) - 1) != 0)
			continue;
		*ret_protocol = ours;
		*ret_len = sizeof(ours) - 1;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- contexts ---- */

static int ctx_make(struct tls_server *server, const struct cert_set *set, SSL_CTX **ret_ctx)
{
	SSL_CTX *ctx;
	int r = tls__ctx_new(TLS_server_method(), &ctx);

	if (r < 0)
		return r;
	SSL_CTX_set_dh_auto(ctx, 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_recv_max_early_data(ctx, 0);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, server);
	for (size_t i = 0; i < KEY_KINDS; i++) {
		const struct tls_cert *cert = set->by_kind[i];

		if (cert == NULL ||
		    SSL_CTX_use_cert_and_key(ctx, cert->leaf, cert->key, cert->chain, 1) == 1)
			continue;
		SSL_CTX_free(ctx);
		return -EINVAL;
	}
	*ret_ctx = ctx;
	return 0;
}

/* The context of this set, made when there is none yet. */
static int ctx_of(struct tls_server *server, const struct cert_set *set, SSL_CTX **ret_ctx)
{
	struct context *grown;
	int r;

	for (size_t i = 0; i < server->n_contexts; i++)
		if (memcmp(&server->contexts[i].set, set, sizeof(*set)) == 0) {
			*ret_ctx = server->contexts[i].ctx;
			return 0;
		}
	grown = realloc(server->contexts, (server->n_contexts + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	server->contexts = grown;
	grown[server->n_contexts].set = *set;
	r = ctx_make(server, set, &grown[server->n_contexts].ctx);
	if (r < 0)
		return r;
	*ret_ctx = grown[server->n_contexts++].ctx;
	return 0;
}

/* Forget contexts that no name uses any more: a set grew while certificates were added. */
static void ctx_sweep(struct tls_server *server)
{
	for (size_t i = 0; i < server->n_contexts;) {
		SSL_CTX *ctx = server->contexts[i].ctx;
		bool used = false;

		for (size_t j = 0; j < server->n_names && !used; j++)
			used = server->names[j].ctx == ctx;
		if (used) {
			i++;
			continue;
		}
		SSL_CTX_free(ctx);
		server->contexts[i] = server->contexts[--server->n_contexts];
	}
}

/* Give cert to one name. Its place in the set may be taken: the first one stays. Returns 1 when it was given. */
static int name_give(struct tls_server *server, const char *text, const struct tls_cert *cert)
{
	struct name *name = name_make(server, text);
	struct cert_set set;
	int r;

	if (name == NULL)
		return -ENOMEM;
	if (name->set.by_kind[cert->kind] != NULL)
		return 0;
	set = name->set;
	set.by_kind[cert->kind] = cert;
	r = ctx_of(server, &set, &name->ctx);
	if (r < 0)
		return r;
	name->set = set;
	return 1;
}

static bool covers(const struct tls_cert *cert, const struct tls_cert *other)
{
	for (size_t i = 0; i < other->n_names; i++) {
		bool found = false;

		for (size_t j = 0; j < cert->n_names && !found; j++)
			found = strcmp(other->names[i], cert->names[j]) == 0;
		if (!found)
			return false;
	}
	return other->n_names > 0;
}

/* The default is the first certificate and those of other kinds that stand for all of its names. */
static int give_all(struct tls_server *server, const struct tls_cert *cert)
{
	bool is_default = server->n_certs == 1 || covers(cert, server->certs[0]);
	int given = is_default ? name_give(server, "", cert) : 0;

	for (size_t i = 0; i < cert->n_names && given >= 0; i++) {
		int r = name_give(server, cert->names[i], cert);

		given = r < 0 ? r : given + r;
	}
	return given;
}

static int keep_cert(struct tls_server *server, struct tls_cert *cert)
{
	struct tls_cert **grown = realloc(server->certs, (server->n_certs + 1) * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	server->certs = grown;
	grown[server->n_certs++] = cert;
	return 0;
}

int tls_server_add(struct tls_server *server, const void *pem, size_t len,
                   const struct place *place, struct diag *diag)
{
	_cleanup_(tls__cert_freep) struct tls_cert *cert = NULL;
	const struct tls_cert *kept;
	char text[160];
	int r;

	r = tls__cert_new(pem, len, place, diag, &cert);
	if (r < 0)
		return r;
	r = keep_cert(server, cert);
	if (r < 0)
		return diag_error(diag, r, place, "out of memory");
	kept = TAKE(cert);
	r = give_all(server, kept);
	if (r == -EINVAL)
		return diag_error(diag, r, place, "the certificate cannot be used: %s",
		                  tls__queue_text(text, sizeof(text)));
	ERR_clear_error();
	if (r < 0)
		return diag_error(diag, r, place, "out of memory");
	if (r == 0)
		diag_warn(diag, place,
		          "certificate %s is never used: others before it have all of its names",
		          tls__subject(kept->leaf, text, sizeof(text)));
	ctx_sweep(server);
	return 0;
}

int tls_accept(struct stream *stream, struct tls_server *server)
{
	const struct name *name = name_find(server, "");
	struct tls_session *session;
	int r;

	if (name == NULL)
		return -ENOENT;
	r = tls__session_new(stream, name->ctx, &session);
	if (r < 0)
		return r;
	SSL_set_accept_state(session->ssl);
	stream->crossed = EPOLLIN | EPOLLOUT;
	return 0;
}
