/* A stream socket with one request and one answer a connection. */
#include "control/control_server.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "base/list.h"

#define CLIENTS_MAX  32
#define REQUEST_MS   5000
#define ANSWER_MS    30000
#define GROUPS_MAX   1024
#define SOCKET_GROUP "shunt"

struct control_server {
	struct loop *loop;
	struct control *control;
	struct watch watch;
	struct list clients;
	size_t n_clients;
	gid_t group; /* who may ask beside root; (gid_t)-1: nobody */
	struct sockaddr_un address;
};

struct client {
	struct list list;
	struct control_server *server;
	struct watch watch;
	struct timer deadline;
	char request[CONTROL_REQUEST_MAX];
	size_t n_request;
	char *answer; /* NULL while the request is read */
	size_t n_answer;
	size_t at;
};

static void client_close(struct client *client)
{
	int fd = client->watch.fd;

	watch_stop(&client->watch);
	if (timer_armed(&client->deadline))
		timer_stop(&client->deadline);
	close(fd);
	list_remove(&client->list);
	/* There is room again for those who wait in the backlog. */
	if (client->server->n_clients-- == CLIENTS_MAX)
		(void)!watch_change(&client->server->watch, EPOLLIN);
	free(client->answer);
	free(client);
}

static void client_write(struct client *client)
{
	while (client->at < client->n_answer) {
		ssize_t n = send(client->watch.fd, client->answer + client->at,
		                 client->n_answer - client->at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			break;
		client->at += (size_t)n;
	}
	client_close(client);
}

/* answer is a heap string. */
static void client_answer(struct client *client, char *answer)
{
	if (answer == NULL) {
		client_close(client);
		return;
	}
	client->answer = answer;
	client->n_answer = strlen(answer);
	timer_arm(&client->deadline, client->server->loop, ANSWER_MS);
	if (watch_change(&client->watch, EPOLLOUT) < 0) {
		client_close(client);
		return;
	}
	client_write(client);
}

static void client_refuse(struct client *client, const char *why, int code)
{
	char *answer = NULL;

	if (asprintf(&answer, "{\"ok\":false,\"error\":\"%s\",\"code\":%d}\n", why, code) < 0)
		answer = NULL;
	client_answer(client, answer);
}

static void client_read(struct client *client)
{
	size_t room = sizeof(client->request) - client->n_request;
	char *end, *from = client->request + client->n_request;
	ssize_t n = recv(client->watch.fd, from, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(client);
		return;
	}
	client->n_request += (size_t)n;
	end = memchr(from, '\n', (size_t)n);
	if (end != NULL)
		client_answer(client, control_answer(client->server->control, client->request,
		                                     (size_t)(end - client->request)));
	else if (client->n_request == sizeof(client->request))
		client_refuse(client, "the request is too long", CONTROL_FAILED);
}

static void on_client(struct watch *watch, uint32_t events _unused_)
{
	struct client *client = container_of(watch, struct client, watch);

	if (client->answer != NULL)
		client_write(client);
	else
		client_read(client);
}

static void on_deadline(struct timer *timer)
{
	struct client *client = container_of(timer, struct client, deadline);

	if (client->answer != NULL)
		client_close(client);
	else
		client_refuse(client, "the request did not come in time", CONTROL_FAILED);
}

static bool in_group(int fd, const struct ucred *peer, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool may_ask(const struct control_server *server, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (peer.uid == 0)
		return true;
	return server->group != (gid_t)-1 && in_group(fd, &peer, server->group);
}

static void client_open(struct control_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		close(fd);
		return;
	}
	client->server = server;
	client->watch.on_event = on_client;
	client->deadline.on_expiry = on_deadline;
	if (watch_start(&client->watch, server->loop, fd, EPOLLIN) < 0) {
		close(fd);
		free(client);
		return;
	}
	list_append(&server->clients, &client->list);
	server->n_clients++;
	timer_arm(&client->deadline, server->loop, REQUEST_MS);
	if (!may_ask(server, fd))
		client_refuse(client, "only root and members of the group shunt may ask",
		              CONTROL_NO_AGENT);
}

static void on_listener(struct watch *watch, uint32_t events _unused_)
{
	struct control_server *server = container_of(watch, struct control_server, watch);
	int fd;

	/* More than this wait in the backlog: each client has a deadline. */
	while (server->n_clients < CLIENTS_MAX) {
		fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		client_open(server, fd);
	}
	(void)!watch_change(watch, 0);
}

static int make_address(const char *run_dir, const char *suffix, struct sockaddr_un *ret_address)
{
	int n;

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
	             "%s/" CONTROL_SOCKET "%s", run_dir, suffix);
	if (n < 0 || (size_t)n >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	return 0;
}

/* Bound under another name and renamed when mode and owner are right, so that nobody meets a half-made socket. */
static int bind_socket(struct control_server *server, const struct sockaddr_un *making, int fd)
{
	gid_t group = server->group != (gid_t)-1 ? server->group : 0;

	if (unlink(making->sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)making, sizeof(*making)) < 0)
		return -errno;
	if (chown(making->sun_path, 0, group) < 0 || chmod(making->sun_path, 0660) < 0)
		return -errno;
	if (listen(fd, CLIENTS_MAX) < 0)
		return -errno;
	if (rename(making->sun_path, server->address.sun_path) < 0)
		return -errno;
	return 0;
}

static int open_socket(struct control_server *server)
{
	_cleanup_(closep) int fd = -1;
	struct sockaddr_un making;
	int r;

	r = make_address(server->control->run_dir, "", &server->address);
	if (r == 0)
		r = make_address(server->control->run_dir, ".new", &making);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_socket(server, &making, fd);
	if (r < 0)
		return r;
	r = watch_start(&server->watch, server->loop, fd, EPOLLIN);
	if (r < 0)
		return r;
	TAKE_FD(fd);
	return 0;
}

int control_server_new(struct loop *loop, struct control *control, struct diag *diag,
                       struct control_server **ret_server)
{
	struct control_server *server = calloc(1, sizeof(*server));
	const struct group *group;
	int r;

	if (server == NULL)
		return -ENOMEM;
	server->loop = loop;
	server->control = control;
	server->watch.on_event = on_listener;
	server->watch.fd = -1;
	list_init(&server->clients);
	group = getgrnam(SOCKET_GROUP);
	server->group = group != NULL ? group->gr_gid : (gid_t)-1;
	r = open_socket(server);
	if (r < 0) {
		free(server);
		return diag_error(diag, r, NULL, "cannot listen on %s/" CONTROL_SOCKET ": %s",
		                  control->run_dir, strerror(-r));
	}
	*ret_server = server;
	return 0;
}

struct control_server *control_server_free(struct control_server *server)
{
	int fd;

	if (server == NULL)
		return NULL;
	list_foreach (it, &server->clients)
		client_close(container_of(it, struct client, list));
	fd = server->watch.fd;
	watch_stop(&server->watch);
	close(fd);
	(void)!unlink(server->address.sun_path);
	free(server);
	return NULL;
}
