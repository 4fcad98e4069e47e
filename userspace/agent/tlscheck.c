/* Builds the TLS contexts that the proxy and the monitors will build, and throws them away. */
#include "agent/tlscheck.h"

#include <errno.h>
#include "tls/tls.h"

static void check_server(const struct vip *vip, struct diag *diag)
{
	struct tls_server *server = NULL;

	if (!vip->tls.enabled)
		return;
	if (tls_server_new(&server) < 0) {
		diag_error(diag, -ENOMEM, &vip->place, "vip %s: cannot set TLS up", vip->name);
		return;
	}
	for (size_t i = 0; i < vip->tls.n_certificates; i++) {
		const struct certificate *certificate = &vip->tls.certificates[i];
		size_t before = diag->errors;

		if (certificate->pem == NULL)
			continue;
		if (tls_server_add(server, certificate->pem->bytes, certificate->pem->len,
		                   &certificate->place, diag) < 0 &&
		    diag->errors == before)
			diag_error(diag, -EINVAL, &certificate->place,
			           "cannot use certificate '%s'", certificate->path);
	}
	tls_server_free(server);
}

static void check_client(const struct tls_client_conf *conf, const char *what, const char *name,
                         const struct place *place, struct diag *diag)
{
	struct tls_client_options options = { .verify = conf->verify };
	struct tls_client *client = NULL;
	struct diag own = { 0 };

	if (!conf->enabled || conf->ca == NULL)
		return;
	options.ca_pem = conf->ca->bytes;
	options.ca_len = conf->ca->len;
	/* The reason comes without a place: it is put behind ours. */
	if (tls_client_new(&options, &own, &client) < 0)
		diag_error(diag, -EINVAL, place,
		           "%s %s: cannot use '%s' as certificate authority: %s", what, name,
		           conf->ca->path,
		           own.n > 0 ? own.entries[0].text : "not a PEM certificate");
	diag_done(&own);
	tls_client_free(client);
}

int tls_check(const struct generation *generation, struct diag *diag)
{
	size_t before = diag->errors;

	for (size_t i = 0; i < generation->n_vips; i++)
		check_server(&generation->vips[i], diag);
	for (size_t i = 0; i < generation->n_pools; i++)
		check_client(&generation->pools[i].tls, "pool", generation->pools[i].name,
		             &generation->pools[i].place, diag);
	for (size_t i = 0; i < generation->n_monitors; i++)
		check_client(&generation->monitors[i].tls, "monitor", generation->monitors[i].name,
		             &generation->monitors[i].place, diag);
	return diag->errors > before ? -EINVAL : 0;
}
