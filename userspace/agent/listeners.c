/* Open, share and close the listening sockets of a generation. */
#include "agent/listeners.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 4096

struct listener {
	uint32_t vip;
	enum listener_kind kind;
	struct addr addr;
	uint16_t port;
	int *fds; /* one a worker; in another set too if shared */
};

struct listener_set {
	struct listener *list;
	size_t n;
	unsigned workers;
};

static const struct listener *find(const struct listener_set *set, const struct addr *addr,
                                   uint16_t port)
{
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (set->list[i].port == port && addr_equal(&set->list[i].addr, addr))
			return &set->list[i];
	return NULL;
}

struct listener_set *listeners_free(struct listener_set *set, const struct listener_set *other)
{
	if (set == NULL)
		return NULL;
	for (size_t i = 0; i < set->n; i++) {
		struct listener *listener = &set->list[i];

		if (find(other, &listener->addr, listener->port) != NULL)
			continue;
		for (unsigned j = 0; listener->fds != NULL && j < set->workers; j++)
			closep(&listener->fds[j]);
		free(listener->fds);
	}
	free(set->list);
	free(set);
	return NULL;
}

static const char *hint(int error)
{
	if (error == -EADDRNOTAVAIL)
		return " (is the address on an interface?)";
	if (error == -EADDRINUSE)
		return " (another program listens there)";
	return "";
}

static int set_options(int fd, int family)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static int open_socket(const struct addr *addr, uint16_t port, int *ret_fd)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, port, &ss);
	_cleanup_(closep) int fd = -1;
	int r;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = set_options(fd, ss.ss_family);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&ss, len) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int open_listener(struct listener *listener, unsigned workers, const struct vip *vip,
                         struct diag *diag)
{
	char where[ADDR_PORT_MAX];

	listener->fds = calloc(workers, sizeof(*listener->fds));
	if (listener->fds == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < workers; i++)
		listener->fds[i] = -1;
	for (unsigned i = 0; i < workers; i++) {
		int r = open_socket(&listener->addr, listener->port, &listener->fds[i]);

		if (r < 0)
			return diag_error(diag, r, &vip->place, "vip %s: cannot listen on %s: %s%s",
			                  vip->name,
			                  addr_port_format(&listener->addr, listener->port, where),
			                  strerror(-r), hint(r));
	}
	return 0;
}

static int add(struct listener_set *set, const struct vip *vip, enum listener_kind kind,
               uint16_t port, const struct listener_set *old, struct diag *diag)
{
	struct listener *listener = &set->list[set->n];
	const struct listener *same = find(old, &vip->addr, port);

	listener->vip = vip->index;
	listener->kind = kind;
	listener->addr = vip->addr;
	listener->port = port;
	set->n++;
	if (same != NULL) {
		listener->fds = same->fds;
		return 0;
	}
	return open_listener(listener, set->workers, vip, diag);
}

static int add_vip(struct listener_set *set, const struct vip *vip, const struct listener_set *old,
                   struct diag *diag)
{
	int r = 0;

	if (vip->plane != PLANE_PROXY)
		return 0;
	for (size_t i = 0; r == 0 && i < vip->n_ports; i++)
		r = add(set, vip, LISTENER_WEB, vip->ports[i], old, diag);
	if (r == 0 && vip->redirect_http != 0)
		r = add(set, vip, LISTENER_REDIRECT, vip->redirect_http, old, diag);
	return r;
}

static size_t most_listeners(const struct generation *generation)
{
	size_t n = 1;

	for (size_t i = 0; i < generation->n_vips; i++)
		n += generation->vips[i].n_ports + 1;
	return n;
}

int listeners_open(const struct generation *generation, unsigned workers,
                   const struct listener_set *old, struct diag *diag, struct listener_set **ret_set)
{
	struct listener_set *set = calloc(1, sizeof(*set));
	int r = 0;

	if (set == NULL)
		return -ENOMEM;
	set->workers = workers;
	set->list = calloc(most_listeners(generation), sizeof(*set->list));
	if (set->list == NULL)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < generation->n_vips; i++)
		r = add_vip(set, &generation->vips[i], old, diag);
	if (r < 0) {
		listeners_free(set, old);
		return r;
	}
	*ret_set = set;
	return 0;
}

struct batch {
	struct ipc_listener listeners[IPC_FDS_MAX];
	int fds[IPC_FDS_MAX];
	size_t n;
	listeners_fn send;
	void *owner;
};

static int flush(struct batch *batch)
{
	int r = 0;

	if (batch->n > 0)
		r = batch->send(batch->owner, batch->listeners, batch->fds, batch->n);
	batch->n = 0;
	return r;
}

int listeners_each(const struct listener_set *set, const struct generation *generation,
                   listeners_fn send, void *owner)
{
	struct batch batch = { .send = send, .owner = owner };
	int r;

	for (size_t i = 0; i < set->n; i++)
		for (unsigned worker = 0; worker < set->workers; worker++) {
			const struct listener *listener = &set->list[i];

			batch.fds[batch.n] = listener->fds[worker];
			batch.listeners[batch.n++] =
				(struct ipc_listener){ .generation = generation->number,
				                       .vip = listener->vip,
				                       .worker = worker,
				                       .kind = listener->kind,
				                       .port = listener->port };
			r = batch.n == IPC_FDS_MAX ? flush(&batch) : 0;
			if (r < 0)
				return r;
		}
	return flush(&batch);
}

size_t listeners_count(const struct listener_set *set)
{
	return set != NULL ? set->n : 0;
}
