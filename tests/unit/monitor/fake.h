/* A backend that follows a script, in a thread: one connection after the other, plain or TLS.
 *
 *   "S:text"  send          "D:text"  send byte by byte    "R:text"  read a line that begins with text
 *   "F:text"  send it again and again until the peer goes  "W"       read until the peer goes
 *   "X"       reset         (the end of the script closes)
 */
#ifndef SHUNT_TESTS_FAKE_H
#define SHUNT_TESTS_FAKE_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "unit/tls/testcert.h"

struct fake {
	int listener;
	uint16_t port;
	const char *const *script; /* NULL-terminated */
	SSL_CTX *tls;
	pthread_t thread;
	atomic_int connections;
	atomic_bool surprised; /* an R: line was not what it should be */
	char last[256];        /* last line read; look only after fake_stop() */
	bool reset;            /* the peer reset the connection instead of closing it */
};

struct fake_end {
	struct fake *fake;
	int fd;
	SSL *ssl;
};

static inline int fake_write(struct fake_end *end, const char *bytes, size_t len)
{
	if (end->ssl != NULL)
		return SSL_write(end->ssl, bytes, (int)len);
	return (int)send(end->fd, bytes, len, MSG_NOSIGNAL);
}

static inline int fake_read(struct fake_end *end, char *byte)
{
	int n = end->ssl != NULL ? SSL_read(end->ssl, byte, 1) : (int)recv(end->fd, byte, 1, 0);

	if (n < 0 && end->ssl == NULL)
		end->fake->reset = true;
	return n;
}

/* Returns false at the end of the stream. */
static inline bool fake_line(struct fake_end *end)
{
	char *line = end->fake->last;
	char next[sizeof(end->fake->last)];
	size_t len = 0;
	char c;

	while (len + 1 < sizeof(next)) {
		if (fake_read(end, &c) <= 0)
			return false;
		if (c == '\n')
			break;
		if (c != '\r')
			next[len++] = c;
	}
	next[len] = '\0';
	memcpy(line, next, len + 1);
	return true;
}

static inline void fake_step(struct fake_end *end, const char *step)
{
	const char *text = step[1] == ':' ? step + 2 : "";
	struct linger now = { .l_onoff = 1 };

	switch (step[0]) {
	case 'S':
		fake_write(end, text, strlen(text));
		break;
	case 'D':
		for (; *text != '\0'; text++) {
			fake_write(end, text, 1);
			usleep(200);
		}
		break;
	case 'F':
		while (fake_write(end, text, strlen(text)) > 0)
			;
		break;
	case 'R':
		if (!fake_line(end) || strncmp(end->fake->last, text, strlen(text)) != 0)
			end->fake->surprised = true;
		break;
	case 'W':
		while (fake_line(end))
			;
		break;
	case 'X':
		setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		break;
	}
}

static inline void fake_talk(struct fake *fake, int fd)
{
	struct fake_end end = { .fake = fake, .fd = fd };
	bool reset = false;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fake->tls != NULL) {
		end.ssl = SSL_new(fake->tls);
		SSL_set_fd(end.ssl, fd);
		if (SSL_accept(end.ssl) != 1)
			goto out;
	}
	for (const char *const *step = fake->script; *step != NULL; step++) {
		fake_step(&end, *step);
		reset = reset || (*step)[0] == 'X';
	}
	if (end.ssl != NULL && !reset)
		SSL_shutdown(end.ssl);
out:
	SSL_free(end.ssl);
	ERR_clear_error();
	close(fd);
}

static inline void *fake_run(void *arg)
{
	struct fake *fake = arg;

	for (;;) {
		int fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		fake->connections++;
		fake_talk(fake, fd);
	}
}

static inline SSL_CTX *fake_tls(const struct testcert *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || SSL_CTX_use_certificate(ctx, cert->cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, cert->key) != 1)
		abort();
	return ctx;
}

/* address: "127.0.0.1" or "::1"; cert NULL: plain. */
static inline void fake_start(struct fake *fake, const char *address, const struct testcert *cert,
                              const char *const *script)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	bool v6 = strchr(address, ':') != NULL;
	struct sockaddr *sa = v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t len = v6 ? sizeof(in6) : sizeof(in);

	memset(fake, 0, sizeof(*fake));
	fake->script = script;
	fake->tls = cert != NULL ? fake_tls(cert) : NULL;
	fake->listener = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (inet_pton(sa->sa_family, address, v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) !=
	            1 ||
	    bind(fake->listener, sa, len) < 0 || listen(fake->listener, 64) < 0 ||
	    getsockname(fake->listener, sa, &len) < 0)
		abort();
	fake->port = ntohs(v6 ? in6.sin6_port : in.sin_port);
	if (pthread_create(&fake->thread, NULL, fake_run, fake) != 0)
		abort();
}

static inline void fake_stop(struct fake *fake)
{
	shutdown(fake->listener, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	close(fake->listener);
	SSL_CTX_free(fake->tls);
}

#endif
