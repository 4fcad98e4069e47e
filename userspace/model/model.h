/* The generation: one configuration, resolved, immutable once built. Every role builds the same generation from the
 * same bundle, so an index into vips, pools, members, … means the same thing in all of them.
 * Everything in here lives in the generation's arena; nothing in here may be changed after model_build(). */
#ifndef SHUNT_MODEL_MODEL_H
#define SHUNT_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/diag.h"
#include "model/bundle.h"

/* ---- monitors ---------------------------------------------------------------------------------------------- */

enum monitor_type {
#define MONITOR(name, text) MONITOR_##name,
#include "model/monitors.def"
#undef MONITOR
	MONITOR_TYPES,
};

struct tls_client_conf {
	bool enabled;
	bool verify;              /* chain and name must check out; false only when said so */
	const struct blob *ca;    /* PEM bundle; NULL: the system's */
	const char *name;         /* expected name and SNI; NULL: the backend's configured server_name, else its address */
};

struct monitor {
	const char *name;
	struct place place;
	enum monitor_type type;
	uint32_t interval_ms; /* 5000 */
	uint32_t timeout_ms;  /* 2000; below interval */
	uint32_t fall;        /* 3 */
	uint32_t rise;        /* 1 */
	uint16_t port;        /* 0: the member's port (a vip's first port if the pool has none) */
	struct tls_client_conf tls;
	/* http */
	const char *method;      /* GET */
	const char *path;        /* / */
	const char *host;        /* Host header; NULL: the backend's address */
	uint16_t expect_status;  /* 200 */
	const char *expect_body; /* must occur in the first 24 KiB of the body; NULL: anything */
	/* smtp */
	const char *helo;      /* EHLO argument */
	const char *mail_from; /* envelope sender of the probe */
};

/* ---- backends and pools ------------------------------------------------------------------------------------ */

struct backend {
	const char *name;
	struct place place;
	uint32_t index;
	struct addr addr;
	const char *server_name; /* for TLS verification and SNI; may be NULL */
};

enum pool_balance {
	BALANCE_ROUND_ROBIN,
};

enum persistence_type {
	PERSIST_NONE,
	PERSIST_SOURCE_IP,
};

struct persistence {
	enum persistence_type type;
	uint32_t timeout_s;
	uint8_t prefix4; /* 32 */
	uint8_t prefix6; /* 128 */
};

/* One backend in one pool: this is what is up, down, drained. */
struct member {
	uint32_t index; /* into generation.members */
	const struct pool *pool;
	const struct backend *backend;
	uint16_t port;       /* host order; 0: the vip's port */
	uint16_t probe_port; /* where monitors knock when port is 0: the first port of the first vip using the pool */
	uint32_t weight;     /* 1…256 */
};

struct pool {
	const char *name;
	struct place place;
	uint32_t index;
	enum pool_balance method;
	struct persistence persistence;
	struct member *members; /* a slice of generation.members */
	size_t n_members;
	const struct monitor **monitors; /* none: members are always up */
	size_t n_monitors;
	struct tls_client_conf tls; /* proxy plane: re-encryption */
	uint32_t connect_timeout_ms;
	uint32_t response_timeout_ms; /* silence of a backend, proxy plane */
	uint32_t idle_timeout_ms;     /* of a pooled connection */
};

/* ---- vips -------------------------------------------------------------------------------------------------- */

enum vip_plane {
	PLANE_KERNEL,
	PLANE_PROXY,
};

enum route_action {
	ROUTE_POOL,
	ROUTE_REDIRECT, /* target: a path or an absolute URL */
	ROUTE_RESPOND,  /* status, no body of a backend */
};

struct route {
	struct place place;
	const char *host; /* lower case, exact or "*.example.org"; NULL: any */
	const char *path; /* whole segments, case ignored, begins with '/'; NULL: any */
	bool exact;       /* the path must be equal, not only begin so */
	enum route_action action;
	const struct pool *pool;
	const char *target;
	uint16_t status; /* 302 for redirects unless said, 404… for respond */
};

struct certificate {
	struct place place;
	const char *path;
	const struct blob *pem; /* certificate chain and key; NULL in roles that may not read keys */
};

struct tls_server_conf {
	bool enabled;
	struct certificate *certificates; /* the first one is the default */
	size_t n_certificates;
};

struct vip {
	const char *name;
	struct place place;
	uint32_t index;
	enum vip_plane plane;
	struct addr addr;
	uint16_t *ports; /* host order, sorted, without repetition; a proxy vip has one */
	size_t n_ports;
	const struct pool *pool; /* kernel plane; NULL on the proxy plane */
	/* proxy plane */
	struct tls_server_conf tls;
	uint16_t redirect_http; /* port that answers with redirects to https; 0: none */
	struct route *routes;
	size_t n_routes;
	uint32_t head_timeout_ms; /* a request head must be complete by then */
	uint32_t idle_timeout_ms; /* keep-alive, and silence of a client in mid-request */
	uint32_t head_max;        /* bytes */
};

/* ---- the rest ---------------------------------------------------------------------------------------------- */

enum attach_mode {
	ATTACH_AUTO, /* native XDP, else TC, else generic XDP; says which and why */
	ATTACH_XDP,
	ATTACH_GENERIC,
	ATTACH_TC,
};

struct interface {
	const char *name;
	struct place place;
	enum attach_mode attach;
};

struct limits {
	uint32_t flows;       /* entries of each flow table */
	uint32_t persistence; /* entries of shunt_persist */
	uint32_t range_ports; /* SNAT ports per (SNAT address, backend, port): a power of two */
	uint32_t connections; /* of the proxy, all workers together */
};

struct timeouts {
	uint32_t syn_s;
	uint32_t active_s;
	uint32_t closing_s;
};

struct access_log {
	const char *path; /* NULL: none; "-": standard output */
};

struct generation {
	uint64_t number;
	struct arena *arena;
	const struct bundle *bundle; /* referenced: blobs point into it */
	struct interface *interfaces;
	size_t n_interfaces;
	struct addr *snat;
	size_t n_snat;
	struct backend *backends;
	size_t n_backends;
	struct monitor *monitors;
	size_t n_monitors;
	struct pool *pools;
	size_t n_pools;
	struct member *members;
	size_t n_members;
	struct vip *vips;
	size_t n_vips;
	struct limits limits;
	struct timeouts timeouts;
	struct access_log access_log;
	uint32_t workers; /* proxy threads; 0: one per CPU */
	const char *user_monitor;
	const char *user_proxy;
	const char *user_auth;
};

/* Build a generation from a bundle: parse, bind, resolve, check. Takes its own reference to the bundle.
 * All mistakes go to diag; -EINVAL when there is at least one error, then *ret_generation is untouched.
 * role says whose files the bundle carries: references to files of other roles stay NULL. */
int model_build(struct bundle *bundle, uint64_t number, struct diag *diag,
                struct generation **ret_generation) _must_check_;
/* Not reference-counted here: each role's coordinator decides when nobody uses it. NULL is fine; returns NULL. */
struct generation *model_free(struct generation *generation);

const struct vip *model_vip(const struct generation *generation, const char *name);
const struct pool *model_pool(const struct generation *generation, const char *name);
const struct backend *model_backend(const struct generation *generation, const char *name);

/* Words for enums, as in YAML: "http", "kernel", … */
const char *monitor_type_word(enum monitor_type type);

static inline void model_freep(struct generation **generation)
{
	model_free(*generation);
}

#endif
