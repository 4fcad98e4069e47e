/* One HTTP/1.1 request; the status must be the expected one and the text must be in the first 24 KiB of the body. */
#include <errno.h>
#include <string.h>
#include "monitor/http_reply.h"
#include "monitor/probe.h"

/* "[2001:db8::1]:8443"; without the port where it is the usual one. */
static void default_host(const struct probe *probe, char *buf, size_t size)
{
	const struct probe_target *target = probe->target;
	const struct addr *addr = &target->backend->addr;
	uint16_t usual = target->monitor->tls.enabled ? 443 : 80;
	char text[ADDR_TEXT_MAX];

	if (target->port != usual) {
		char with_port[ADDR_PORT_MAX];

		snprintf(buf, size, "%s", addr_port_format(addr, target->port, with_port));
		return;
	}
	snprintf(buf, size, addr_is_v4(addr) ? "%s" : "[%s]", addr_format(addr, text));
}

static int http_start(struct probe *probe)
{
	const struct monitor *monitor = probe->target->monitor;
	const char *method = monitor->method != NULL ? monitor->method : "GET";
	const char *path = monitor->path != NULL ? monitor->path : "/";
	const char *host = monitor->host;
	struct http_reply *reply;
	char fallback[ADDR_PORT_MAX];

	if (!probe_word_ok(method) || !probe_word_ok(path) ||
	    (host != NULL && !probe_word_ok(host))) {
		probe_failed(probe, STAGE_SEND,
		             "method, path or host has characters that cannot be sent");
		return 0;
	}
	if (host == NULL) {
		default_host(probe, fallback, sizeof(fallback));
		host = fallback;
	}
	reply = malloc(sizeof(*reply));
	if (reply == NULL)
		return -ENOMEM;
	monitor__http_begin(reply, strcmp(method, "HEAD") == 0);
	probe->own = reply;
	probe_say(probe,
	          "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: shunt-monitor\r\nAccept: */*\r\n"
	          "Connection: close\r\n\r\n",
	          method, path, host);
	return 0;
}

/* The status line, and what the page begins with. */
static void excerpt(struct probe *probe, const struct http_reply *reply)
{
	char text[2 * VERDICT_EXCERPT_MAX];
	size_t body_len =
		reply->body_len < VERDICT_EXCERPT_MAX ? reply->body_len : VERDICT_EXCERPT_MAX;
	size_t len;

	snprintf(text, sizeof(text), "%.*s ", VERDICT_EXCERPT_MAX - 2, reply->status_line);
	len = strlen(text);
	if (len + body_len > sizeof(text))
		body_len = sizeof(text) - len;
	memcpy(text + len, reply->body, body_len);
	probe_excerpt(probe, text, len + body_len);
}

static void judge(struct probe *probe, const struct http_reply *reply)
{
	const struct monitor *monitor = probe->target->monitor;
	unsigned expected = monitor->expect_status != 0 ? monitor->expect_status : 200;
	const char *body = monitor->expect_body;

	excerpt(probe, reply);
	if (reply->status != expected)
		probe_failed(probe, STAGE_MATCH, "the status is %u, expected %u", reply->status,
		             expected);
	else if (body != NULL && memmem(reply->body, reply->body_len, body, strlen(body)) == NULL)
		probe_failed(probe, STAGE_MATCH,
		             "\"%.40s\" is not in the first %zu bytes of the body", body,
		             reply->body_len);
	else
		probe_ok(probe);
}

static void on_bytes(struct probe *probe, struct http_reply *reply, const char *bytes, ssize_t n)
{
	int r = n > 0 ? monitor__http_feed(reply, bytes, (size_t)n) : monitor__http_end(reply);

	if (r == 1) {
		judge(probe, reply);
	} else if (r < 0) {
		excerpt(probe, reply);
		probe_failed(probe, n > 0 ? STAGE_MATCH : STAGE_RECEIVE, "%s", reply->problem);
	}
}

static void http_on_ready(struct probe *probe, uint32_t events _unused_)
{
	struct http_reply *reply = probe->own;

	while (probe->state == PROBE_TALK) {
		ssize_t n = probe_read(probe, probe->in, sizeof(probe->in));

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			excerpt(probe, reply);
			probe_stream_failed(probe, STAGE_RECEIVE, (int)n);
			return;
		}
		on_bytes(probe, reply, probe->in, n);
	}
}

static void http_done(struct probe *probe)
{
	free(probe->own);
	probe->own = NULL;
}

const struct monitor_ops monitor_http_ops = {
	.start = http_start,
	.on_ready = http_on_ready,
	.done = http_done,
};
