/* Certificates for tests, made on the spot by OpenSSL: authorities, names, dates, keys of both kinds. */
#ifndef SHUNT_TESTS_TESTCERT_H
#define SHUNT_TESTS_TESTCERT_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"

struct testcert {
	X509 *cert;
	EVP_PKEY *key;
};

struct testcert_is {
	const char *common_name;
	const char *alt; /* "DNS:a.test,IP:127.0.0.1"; NULL: none */
	bool rsa;        /* else ECDSA */
	bool authority;
	int from_days, until_days;
	const struct testcert *issuer; /* NULL: self-signed */
};

static inline void testcert_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (extension == NULL)
		abort();
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

static inline struct testcert testcert_make(const struct testcert_is *is)
{
	static long serial = 1;
	struct testcert made = { .cert = X509_new() };
	X509_NAME *name;

	made.key = is->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	if (made.cert == NULL || made.key == NULL)
		abort();
	X509_set_version(made.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(made.cert), (long)is->from_days * 86400);
	X509_gmtime_adj(X509_getm_notAfter(made.cert), (long)is->until_days * 86400);
	X509_set_pubkey(made.cert, made.key);
	name = X509_get_subject_name(made.cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	                           (const unsigned char *)is->common_name, -1, -1, 0);
	X509_set_issuer_name(made.cert,
	                     is->issuer != NULL ? X509_get_subject_name(is->issuer->cert) : name);
	testcert_extension(made.cert, NID_basic_constraints,
	                   is->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (is->authority)
		testcert_extension(made.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	if (is->alt != NULL)
		testcert_extension(made.cert, NID_subject_alt_name, is->alt);
	if (X509_sign(made.cert, is->issuer != NULL ? is->issuer->key : made.key, EVP_sha256()) ==
	    0)
		abort();
	return made;
}

static inline void testcert_free(struct testcert *made)
{
	X509_free(made->cert);
	EVP_PKEY_free(made->key);
	memset(made, 0, sizeof(*made));
}

/* PEM of any parts in the order given: TESTCERT_PEM(CERT(&leaf), KEY(&leaf)). The caller frees it. */
struct testpart {
	const struct testcert *of;
	bool key;
};

static inline char *testcert_pem(const struct testpart *parts, size_t n)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes, *pem;
	long len;

	for (size_t i = 0; i < n; i++) {
		if (parts[i].key)
			PEM_write_bio_PrivateKey(out, parts[i].of->key, NULL, NULL, 0, NULL, NULL);
		else
			PEM_write_bio_X509(out, parts[i].of->cert);
	}
	len = BIO_get_mem_data(out, &bytes);
	pem = strndup(bytes, (size_t)len);
	BIO_free(out);
	return pem;
}

/* clang-format off */
#define CERT(c) { c, false }
#define KEY(c)  { c, true }
#define TESTCERT_PEM(...)                                                                        \
	testcert_pem((const struct testpart[]){ __VA_ARGS__ },                                    \
	             sizeof((const struct testpart[]){ __VA_ARGS__ }) / sizeof(struct testpart))
/* clang-format on */

#endif
