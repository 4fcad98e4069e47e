/* A byte stream over a non-blocking TCP socket, plain or TLS. One owner, one thread; edge-triggered.
 * Every call that would block returns -EAGAIN and on_ready is called when it is worth another try. Whoever stops before
 * -EAGAIN must come back by itself: no event will follow for what is already there. That holds after a TLS handshake too,
 * which may have read application bytes along: read at once.
 * Writing to a peer that has gone never raises SIGPIPE: plain and TLS streams send with MSG_NOSIGNAL. */
#ifndef SHUNT_NET_STREAM_H
#define SHUNT_NET_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "base/addr.h"
#include "loop/loop.h"

struct stream;
/* events: EPOLLIN and EPOLLOUT in the sense "try again"; EPOLLERR/EPOLLHUP come with both. */
typedef void (*stream_fn)(struct stream *stream, uint32_t events);

/* How bytes travel; tls/ has its own. Each returns bytes moved, 0 at end of stream (read only), or a negative errno.
 * A length of 0 is -EINVAL for reads, so that it never looks like the end. */
struct stream_ops {
	ssize_t (*read)(struct stream *stream, void *buf, size_t len);
	ssize_t (*write)(struct stream *stream, const void *buf, size_t len);
	int (*handshake)(struct stream *stream); /* 0 done, -EAGAIN, or failure; NULL: none needed */
	int (*shutdown)(struct stream *stream);  /* end our direction; 0, -EAGAIN or failure */
	void (*done)(struct stream *stream);     /* free what ops owns */
};

struct stream {
	struct watch watch; /* watch.fd is the socket; owned by the stream */
	const struct stream_ops *ops;
	void *tls;          /* owned by tls/, NULL for a plain stream */
	uint32_t crossed;   /* events that mean both directions: TLS may have to read before it can write, or reverse */
	stream_fn on_ready;
};

/* Wrap a connected socket (non-blocking, close-on-exec; from accept4): the stream owns fd from now on, also on failure. */
int stream_open(struct stream *stream, struct loop *loop, int fd, stream_fn on_ready) _must_check_;
/* Start to connect; the result is told by stream_connected() after the first EPOLLOUT. source may be NULL. What is known
 * at once (no route, out of descriptors) is the return value, and the stream is closed again. */
int stream_connect(struct stream *stream, struct loop *loop, const struct addr *addr, uint16_t port,
                   const struct addr *source, stream_fn on_ready) _must_check_;
/* 0 when connected, -EAGAIN while under way, else why it failed (the reason once, then -ENOTCONN). */
int stream_connected(struct stream *stream);
static inline int stream_handshake(struct stream *stream)
{
	return stream->ops->handshake != NULL ? stream->ops->handshake(stream) : 0;
}
static inline ssize_t stream_read(struct stream *stream, void *buf, size_t len)
{
	return stream->ops->read(stream, buf, len);
}
static inline ssize_t stream_write(struct stream *stream, const void *buf, size_t len)
{
	return stream->ops->write(stream, buf, len);
}
int stream_shutdown(struct stream *stream);
/* Close at once and release everything; may be called inside on_ready. Closing twice is fine. */
void stream_close(struct stream *stream);
/* Peer and own address. */
int stream_peer(const struct stream *stream, struct addr *ret_addr, uint16_t *ret_port);
int stream_local(const struct stream *stream, struct addr *ret_addr, uint16_t *ret_port);

#endif
