/* OpenSSL's own socket BIO writes with write(), which raises SIGPIPE when the peer has gone. Ours sends with MSG_NOSIGNAL. */
#include "tls/tls_session.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sys/socket.h>

/* A constant in all but name: made once, read by all threads. */
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int bio_result(BIO *bio, ssize_t n, int retry)
{
	BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY | BIO_FLAGS_IN_EOF);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
	return (int)n;
}

static int bio_read(BIO *bio, char *buf, int len)
{
	const struct stream *stream = BIO_get_data(bio);
	ssize_t n = recv(stream->watch.fd, buf, (size_t)len, 0);
	int r = bio_result(bio, n, BIO_FLAGS_READ);

	if (n == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return r;
}

static int bio_write(BIO *bio, const char *buf, int len)
{
	const struct stream *stream = BIO_get_data(bio);
	ssize_t n = send(stream->watch.fd, buf, (size_t)len, MSG_NOSIGNAL);

	return bio_result(bio, n, BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio, int command, long number _unused_, void *pointer _unused_)
{
	switch (command) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default:
		return 0;
	}
}

static void method_make(void)
{
	BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");

	if (made == NULL)
		return;
	if (BIO_meth_set_read(made, bio_read) != 1 || BIO_meth_set_write(made, bio_write) != 1 ||
	    BIO_meth_set_ctrl(made, bio_ctrl) != 1) {
		BIO_meth_free(made);
		return;
	}
	method = made;
}

BIO *tls__bio_new(struct stream *stream)
{
	BIO *bio;

	pthread_once(&method_once, method_make);
	if (method == NULL)
		return NULL;
	bio = BIO_new(method);
	if (bio == NULL)
		return NULL;
	BIO_set_data(bio, stream);
	BIO_set_init(bio, 1);
	return bio;
}
