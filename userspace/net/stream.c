/* Plain streams: sockets under the event loop. */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include "base/list.h"

static ssize_t plain_read(struct stream *stream, void *buf, size_t len)
{
	ssize_t n;

	if (len == 0)
		return -EINVAL;
	n = recv(stream->watch.fd, buf, len, 0);
	return n < 0 ? -errno : n;
}

static ssize_t plain_write(struct stream *stream, const void *buf, size_t len)
{
	ssize_t n = send(stream->watch.fd, buf, len, MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

static int plain_shutdown(struct stream *stream)
{
	return shutdown(stream->watch.fd, SHUT_WR) < 0 ? -errno : 0;
}

static const struct stream_ops plain_ops = {
	.read = plain_read,
	.write = plain_write,
	.shutdown = plain_shutdown,
};

static void stream_event(struct watch *watch, uint32_t events)
{
	struct stream *stream = container_of(watch, struct stream, watch);
	uint32_t ready = events & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP);

	if ((events & EPOLLRDHUP) != 0)
		ready |= EPOLLIN;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 || (ready & stream->crossed) != 0)
		ready |= EPOLLIN | EPOLLOUT;
	/* The owner may close or free the stream in there: nothing may follow. */
	stream->on_ready(stream, ready);
}

int stream_open(struct stream *stream, struct loop *loop, int fd, stream_fn on_ready)
{
	int one = 1;
	int r;

	memset(stream, 0, sizeof(*stream));
	stream->watch.fd = -1;
	stream->watch.on_event = stream_event;
	stream->ops = &plain_ops;
	stream->on_ready = on_ready;
	/* Fails on sockets that are not TCP (tests use pairs), where there is nothing to be delayed. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	r = watch_start(&stream->watch, loop, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r < 0)
		close(fd);
	return r;
}

/* Our own address for the connection; the port is chosen by connect(), so that it may be shared between peers. */
static int bind_source(int fd, const struct addr *source)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(source, 0, &ss);
	int one = 1;

	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, (const struct sockaddr *)&ss, len) < 0 ? -errno : 0;
}

int stream_connect(struct stream *stream, struct loop *loop, const struct addr *addr, uint16_t port,
                   const struct addr *source, stream_fn on_ready)
{
	_cleanup_(closep) int fd = -1;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, port, &ss);
	int r;

	memset(stream, 0, sizeof(*stream));
	stream->watch.fd = -1;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	if (source != NULL) {
		r = bind_source(fd, source);
		if (r < 0)
			return r;
	}
	/* Before epoll sees the socket: one that is not even connecting reports a hang-up. */
	if (connect(fd, (const struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return stream_open(stream, loop, TAKE_FD(fd), on_ready);
}

int stream_connected(struct stream *stream)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	socklen_t error_len = sizeof(int);
	int error = 0;

	if (getsockopt(stream->watch.fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		return -errno;
	if (error != 0)
		return -error;
	if (getsockopt(stream->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV)
		return -EAGAIN;
	return info.tcpi_state == TCP_CLOSE ? -ENOTCONN : 0;
}

int stream_shutdown(struct stream *stream)
{
	if (stream->watch.loop == NULL)
		return -ENOTCONN;
	return stream->ops->shutdown(stream);
}

void stream_close(struct stream *stream)
{
	int fd = stream->watch.fd;

	if (stream->watch.loop == NULL)
		return;
	if (stream->ops->done != NULL)
		stream->ops->done(stream);
	stream->ops = &plain_ops;
	watch_stop(&stream->watch);
	close(fd);
}

int stream_peer(const struct stream *stream, struct addr *ret_addr, uint16_t *ret_port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getpeername(stream->watch.fd, (struct sockaddr *)&ss, &len) < 0)
		return -errno;
	return addr_from_sockaddr(&ss, ret_addr, ret_port);
}

int stream_local(const struct stream *stream, struct addr *ret_addr, uint16_t *ret_port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(stream->watch.fd, (struct sockaddr *)&ss, &len) < 0)
		return -errno;
	return addr_from_sockaddr(&ss, ret_addr, ret_port);
}
