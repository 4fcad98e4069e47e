/* From PEM blocks in any order to a certificate, its chain and its key, with an answer to every mistake. */
#include "tls/tls_pem.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include "tls/tls_session.h"

#define TEXT_MAX 160

/* What is found on the way through one PEM. */
struct blocks {
	STACK_OF(X509) * certs;
	EVP_PKEY *key;
	size_t n;
	const struct place *place;
	struct diag *diag;
};

static int add_cert(struct blocks *blocks, const unsigned char *der, long len)
{
	X509 *cert = d2i_X509(NULL, &der, len);
	char text[TEXT_MAX];

	if (cert == NULL)
		return diag_error(blocks->diag, -EINVAL, blocks->place,
		                  "PEM block %zu is not a certificate: %s", blocks->n,
		                  tls__queue_text(text, sizeof(text)));
	if (sk_X509_push(blocks->certs, cert) <= 0) {
		X509_free(cert);
		return -ENOMEM;
	}
	return 0;
}

static int add_key(struct blocks *blocks, const unsigned char *der, long len)
{
	char text[TEXT_MAX];

	if (blocks->key != NULL)
		return diag_error(blocks->diag, -EINVAL, blocks->place,
		                  "PEM block %zu is a second private key, expected one", blocks->n);
	blocks->key = d2i_AutoPrivateKey(NULL, &der, len);
	if (blocks->key == NULL)
		return diag_error(blocks->diag, -EINVAL, blocks->place,
		                  "PEM block %zu is not a private key: %s", blocks->n,
		                  tls__queue_text(text, sizeof(text)));
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text), end_len = strlen(end);

	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

static int add_block(struct blocks *blocks, const char *name, const char *header,
                     const unsigned char *der, long len)
{
	if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
		return add_cert(blocks, der, len);
	if (strcmp(name, PEM_STRING_PKCS8) == 0 || strstr(header, "ENCRYPTED") != NULL)
		return diag_error(blocks->diag, -EINVAL, blocks->place,
		                  "the private key is encrypted; expected one without a pass "
		                  "phrase (openssl pkey -in FILE -out FILE)");
	if (ends_with(name, "PRIVATE KEY"))
		return add_key(blocks, der, len);
	/* Parameters and requests that tools leave behind are harmless. */
	return 0;
}

static int read_blocks(struct blocks *blocks, BIO *in)
{
	char text[TEXT_MAX];
	int r = 0;

	while (r == 0) {
		char *name = NULL, *header = NULL;
		unsigned char *der = NULL;
		long len = 0;

		if (PEM_read_bio(in, &name, &header, &der, &len) != 1)
			break;
		blocks->n++;
		r = add_block(blocks, name, header, der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (r == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		r = diag_error(blocks->diag, -EINVAL, blocks->place, "PEM block %zu is broken: %s",
		               blocks->n + 1, tls__queue_text(text, sizeof(text)));
	ERR_clear_error();
	return r;
}

static int check_blocks(const struct blocks *blocks)
{
	if (blocks->n == 0)
		return diag_error(blocks->diag, -EINVAL, blocks->place,
		                  "this is not PEM; expected a certificate, its chain and its key");
	if (sk_X509_num(blocks->certs) == 0)
		return diag_error(blocks->diag, -EINVAL, blocks->place,
		                  "there is no certificate beside the private key");
	if (blocks->key == NULL)
		return diag_error(blocks->diag, -EINVAL, blocks->place,
		                  "there is no private key beside the certificate");
	return 0;
}

static int key_kind(const EVP_PKEY *key, enum key_kind *ret_kind)
{
	static const struct {
		int id;
		enum key_kind kind;
	} kinds[] = {
		{ EVP_PKEY_RSA, KEY_RSA },     { EVP_PKEY_RSA_PSS, KEY_RSA_PSS },
		{ EVP_PKEY_EC, KEY_EC },       { EVP_PKEY_ED25519, KEY_ED25519 },
		{ EVP_PKEY_ED448, KEY_ED448 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].id == EVP_PKEY_get_base_id(key)) {
			*ret_kind = kinds[i].kind;
			return 0;
		}
	return -ENOTSUP;
}

static int take_leaf(struct blocks *blocks, struct tls_cert *cert)
{
	char text[TEXT_MAX];

	for (int i = 0; i < sk_X509_num(blocks->certs); i++) {
		int matches = X509_check_private_key(sk_X509_value(blocks->certs, i), blocks->key);

		ERR_clear_error();
		if (matches != 1)
			continue;
		cert->leaf = sk_X509_delete(blocks->certs, i);
		cert->key = TAKE(blocks->key);
		if (key_kind(cert->key, &cert->kind) < 0)
			return diag_error(blocks->diag, -EINVAL, blocks->place,
			                  "a %s key cannot be used; expected RSA, ECDSA or Ed25519",
			                  EVP_PKEY_get0_type_name(cert->key));
		return 0;
	}
	return diag_error(blocks->diag, -EINVAL, blocks->place,
	                  "the private key does not belong to the certificate (%s)",
	                  tls__subject(sk_X509_value(blocks->certs, 0), text, sizeof(text)));
}

static bool self_signed(X509 *cert)
{
	return X509_check_issued(cert, cert) == X509_V_OK;
}

/* The issuer of the issuer of …, as far as the file goes. A root is left out: who trusts it has it. */
static int take_chain(struct blocks *blocks, struct tls_cert *cert)
{
	X509 *last = cert->leaf;

	cert->chain = sk_X509_new_null();
	if (cert->chain == NULL)
		return -ENOMEM;
	for (int i = 0; i < sk_X509_num(blocks->certs) && !self_signed(last);) {
		X509 *issuer = sk_X509_value(blocks->certs, i);

		if (X509_check_issued(issuer, last) != X509_V_OK) {
			i++;
			continue;
		}
		sk_X509_delete(blocks->certs, i);
		if (self_signed(issuer)) {
			X509_free(issuer);
			break;
		}
		if (sk_X509_push(cert->chain, issuer) <= 0) {
			X509_free(issuer);
			return -ENOMEM;
		}
		last = issuer;
		i = 0;
	}
	ERR_clear_error();
	return 0;
}

static void warn_unused(const struct blocks *blocks)
{
	char text[TEXT_MAX];

	for (int i = 0; i < sk_X509_num(blocks->certs); i++) {
		X509 *cert = sk_X509_value(blocks->certs, i);

		if (!self_signed(cert))
			diag_warn(blocks->diag, blocks->place,
			          "certificate %s is not part of the chain and is left out",
			          tls__subject(cert, text, sizeof(text)));
	}
	ERR_clear_error();
}

static void time_text(const ASN1_TIME *time, char *buf, size_t size)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(buf, size, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(buf, size, "an unknown time");
	ERR_clear_error();
}

/* Only warnings: a gateway that refuses to start because of a date helps nobody. */
static void warn_dates(const struct blocks *blocks, X509 *cert)
{
	const ASN1_TIME *from = X509_get0_notBefore(cert), *until = X509_get0_notAfter(cert);
	char text[TEXT_MAX], when[32];

	if (X509_cmp_current_time(until) < 0) {
		time_text(until, when, sizeof(when));
		diag_warn(blocks->diag, blocks->place, "certificate %s expired at %s",
		          tls__subject(cert, text, sizeof(text)), when);
	}
	if (X509_cmp_current_time(from) > 0) {
		time_text(from, when, sizeof(when));
		diag_warn(blocks->diag, blocks->place, "certificate %s is not valid before %s",
		          tls__subject(cert, text, sizeof(text)), when);
	}
	ERR_clear_error();
}

bool tls__name_clean(const char *name, size_t len, enum wildcard wildcard, char *buf, size_t size)
{
	size_t label = 0;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len >= size || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == '.' && label == 0)
			return false;
		label = c == '.' ? 0 : label + 1;
		if (c == '*' && wildcard == WILDCARD_YES && i == 0 && len > 2 && name[1] == '.')
			;
		else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		           c == '_' || c == '.'))
			return false;
		buf[i] = c;
	}
	buf[len] = '\0';
	return label > 0;
}

static int add_name(struct tls_cert *cert, const char *name)
{
	char **grown = realloc(cert->names, (cert->n_names + 1) * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	cert->names = grown;
	grown[cert->n_names] = strdup(name);
	if (grown[cert->n_names] == NULL)
		return -ENOMEM;
	cert->n_names++;
	return 0;
}

static int take_names(const struct blocks *blocks, struct tls_cert *cert)
{
	GENERAL_NAMES *found = X509_get_ext_d2i(cert->leaf, NID_subject_alt_name, NULL, NULL);
	char text[TEXT_MAX], name[256];
	int r = 0;

	for (int i = 0; r == 0 && i < sk_GENERAL_NAME_num(found); i++) {
		const GENERAL_NAME *general = sk_GENERAL_NAME_value(found, i);
		const ASN1_IA5STRING *dns = general->d.dNSName;

		if (general->type != GEN_DNS)
			continue;
		if (tls__name_clean((const char *)ASN1_STRING_get0_data(dns),
		                    (size_t)ASN1_STRING_length(dns), WILDCARD_YES, name,
		                    sizeof(name)))
			r = add_name(cert, name);
	}
	GENERAL_NAMES_free(found);
	ERR_clear_error();
	if (r == 0 && cert->n_names == 0)
		diag_warn(blocks->diag, blocks->place,
		          "certificate %s has no DNS name in subjectAltName: clients do not accept "
		          "the common name, and it can only be the default",
		          tls__subject(cert->leaf, text, sizeof(text)));
	return r;
}

static int cert_make(struct blocks *blocks, struct tls_cert *cert)
{
	int r = check_blocks(blocks);

	if (r < 0)
		return r;
	r = take_leaf(blocks, cert);
	if (r < 0)
		return r;
	r = take_chain(blocks, cert);
	if (r < 0)
		return r;
	warn_unused(blocks);
	warn_dates(blocks, cert->leaf);
	for (int i = 0; i < sk_X509_num(cert->chain); i++)
		warn_dates(blocks, sk_X509_value(cert->chain, i));
	return take_names(blocks, cert);
}

int tls__cert_new(const void *pem, size_t len, const struct place *place, struct diag *diag,
                  struct tls_cert **ret_cert)
{
	_cleanup_(tls__cert_freep) struct tls_cert *cert = calloc(1, sizeof(*cert));
	struct blocks blocks = { .place = place, .diag = diag };
	BIO *in = NULL;
	int r = -ENOMEM;

	if (len <= INT_MAX)
		in = BIO_new_mem_buf(pem, (int)len);
	blocks.certs = sk_X509_new_null();
	if (cert != NULL && in != NULL && blocks.certs != NULL) {
		r = read_blocks(&blocks, in);
		if (r == 0)
			r = cert_make(&blocks, cert);
	}
	BIO_free(in);
	sk_X509_pop_free(blocks.certs, X509_free);
	EVP_PKEY_free(blocks.key);
	ERR_clear_error();
	if (r == -ENOMEM)
		return diag_error(diag, r, place, "out of memory");
	if (r < 0)
		return r;
	*ret_cert = TAKE(cert);
	return 0;
}

struct tls_cert *tls__cert_free(struct tls_cert *cert)
{
	if (cert == NULL)
		return NULL;
	X509_free(cert->leaf);
	sk_X509_pop_free(cert->chain, X509_free);
	EVP_PKEY_free(cert->key);
	for (size_t i = 0; i < cert->n_names; i++)
		free(cert->names[i]);
	free(cert->names);
	free(cert);
	return NULL;
}
