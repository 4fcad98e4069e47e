/* The engine of a probe: connect, TLS, conversation, good-bye; one deadline over all of it. */
#include "monitor/probe.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "base/clock.h"
#include "base/list.h"

#define LEAVE_MS 500 /* how long a good-bye may take */

static const struct monitor_ops *const all_ops[MONITOR_TYPES] = {
#define MONITOR(name, text) [MONITOR_##name] = &monitor_##name##_ops,
#include "model/monitors.def"
#undef MONITOR
};

struct running {
	struct probe probe;
	struct probe_result result;
};

static struct probe_result *result_of(struct probe *probe)
{
	return &container_of(probe, struct running, probe)->result;
}

/* ---- the end ---- */

/* Read away what is still there (session tickets, the rest of a page): closing over unread bytes would reset the
 * connection, and backends log that. Bounded by PROBE_TOTAL_MAX. */
static ssize_t drain(struct probe *probe)
{
	char waste[1024];
	ssize_t n;

	do
		n = probe_read(probe, waste, sizeof(waste));
	while (n > 0);
	return n;
}

static void probe_over(struct probe *probe)
{
	stream_close(&probe->stream);
	probe->state = PROBE_OVER;
	/* Whoever is still on the stack may look at the probe until the next round. */
	timer_arm(&probe->deadline, probe->loop, 0);
}

/* Hang up as the protocol wants it: the good-bye, our end of the stream, then the peer's. */
static void probe_leave(struct probe *probe)
{
	const char *bye = result_of(probe)->ok ? NULL : probe->ops->bye;

	if (probe->state != PROBE_TALK) {
		probe_over(probe);
		return;
	}
	probe->state = PROBE_LEAVE;
	if (bye != NULL && probe->out_sent == probe->out_len)
		(void)stream_write(&probe->stream, bye, strlen(bye));
	if (stream_shutdown(&probe->stream) < 0 || drain(probe) != -EAGAIN) {
		probe_over(probe);
		return;
	}
	timer_arm(&probe->deadline, probe->loop, LEAVE_MS);
}

static void probe_end(struct probe *probe)
{
	struct probe_result *result = result_of(probe);

	if (probe->state >= PROBE_LEAVE)
		return;
	result->took_us = (uint32_t)((clock_ns() - probe->started_ns) / 1000);
	probe_leave(probe);
	probe->on_result(probe->owner, result);
}

void probe_ok(struct probe *probe)
{
	struct probe_result *result = result_of(probe);

	result->ok = true;
	result->stage = STAGE_DONE;
	snprintf(result->text, sizeof(result->text), "ok");
	probe_end(probe);
}

void probe_failed(struct probe *probe, enum probe_stage stage, const char *fmt, ...)
{
	struct probe_result *result = result_of(probe);
	va_list ap;

	if (probe->state >= PROBE_LEAVE)
		return;
	result->stage = stage;
	va_start(ap, fmt);
	vsnprintf(result->text, sizeof(result->text), fmt, ap);
	va_end(ap);
	probe_end(probe);
}

static bool is_local(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
	       error == EADDRNOTAVAIL;
}

void probe_stream_failed(struct probe *probe, enum probe_stage stage, int error)
{
	char text[VERDICT_TEXT_MAX];

	if (error == -EMSGSIZE) {
		probe_failed(probe, STAGE_RECEIVE, "more than %d bytes received", PROBE_TOTAL_MAX);
		return;
	}
	if (stage <= STAGE_TLS && is_local(-error)) {
		result_of(probe)->local = true;
		probe_failed(probe, stage, "not probed: %s", strerror(-error));
		return;
	}
	if (probe->stream.tls == NULL || tls_error(&probe->stream, text, sizeof(text))[0] == '\0')
		snprintf(text, sizeof(text), "%s", strerror(-error));
	/* "Connection refused" is the end of a sentence here; TLS and SSL stay as they are. */
	if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	probe_failed(probe, stage, "%s", text);
}

struct probe *probe_free(struct probe *probe)
{
	if (probe == NULL)
		return NULL;
	timer_stop(&probe->deadline);
	stream_close(&probe->stream);
	if (probe->ops->done != NULL)
		probe->ops->done(probe);
	*probe->slot = NULL;
	free(container_of(probe, struct running, probe));
	return NULL;
}

static void on_deadline(struct timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, deadline);

	if (probe->state >= PROBE_LEAVE) {
		probe_free(probe);
		return;
	}
	probe_failed(probe, probe->stage, "timed out after %u ms",
	             probe->target->monitor->timeout_ms);
}

/* ---- the conversation ---- */

void probe_excerpt(struct probe *probe, const char *bytes, size_t len)
{
	struct probe_result *result = result_of(probe);
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < sizeof(result->excerpt); i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\r' || c == '\n' || c == '\t')
			c = ' ';
		if (c == ' ' && (n == 0 || result->excerpt[n - 1] == ' '))
			continue;
		result->excerpt[n++] = c >= 0x20 && c < 0x7f ? (char)c : '.';
	}
	if (n > 0 && result->excerpt[n - 1] == ' ')
		n--;
	result->excerpt[n] = '\0';
}

bool probe_word_ok(const char *word)
{
	for (; *word != '\0'; word++)
		if (*word <= 0x20 || *word == 0x7f)
			return false;
	return true;
}

static void probe_flush(struct probe *probe)
{
	while (probe->out_sent < probe->out_len) {
		ssize_t n = stream_write(&probe->stream, probe->out + probe->out_sent,
		                         probe->out_len - probe->out_sent);

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			probe_stream_failed(probe, STAGE_SEND, (int)n);
			return;
		}
		probe->out_sent += (size_t)n;
	}
	if (probe->out_len > 0)
		probe->stage = STAGE_RECEIVE;
}

void probe_say(struct probe *probe, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(probe->out, sizeof(probe->out), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(probe->out)) {
		probe_failed(probe, STAGE_SEND, "the question is longer than %d bytes",
		             PROBE_OUT_MAX);
		return;
	}
	probe->out_len = (size_t)n;
	probe->out_sent = 0;
	probe->stage = STAGE_SEND;
	probe_flush(probe);
}

ssize_t probe_read(struct probe *probe, void *buf, size_t len)
{
	ssize_t n;

	if (probe->total >= PROBE_TOTAL_MAX)
		return -EMSGSIZE;
	n = stream_read(&probe->stream, buf, len);
	if (n > 0)
		probe->total += (size_t)n;
	return n;
}

bool probe_more(struct probe *probe)
{
	size_t room = sizeof(probe->in) - probe->in_len;
	ssize_t n;

	if (room == 0) {
		probe_excerpt(probe, probe->in, probe->in_len);
		probe_failed(probe, STAGE_RECEIVE, "an answer is longer than %d bytes",
		             PROBE_IN_MAX);
		return false;
	}
	n = probe_read(probe, probe->in + probe->in_len, room);
	if (n > 0) {
		probe->in_len += (size_t)n;
		return true;
	}
	if (n == -EAGAIN)
		return false;
	if (probe->may_close) {
		probe_ok(probe);
		return false;
	}
	if (probe->in_len > 0)
		probe_excerpt(probe, probe->in, probe->in_len);
	if (n == 0)
		probe_failed(probe, STAGE_RECEIVE, "closed before the answer was complete");
	else
		probe_stream_failed(probe, STAGE_RECEIVE, (int)n);
	return false;
}

void probe_consume(struct probe *probe, size_t n)
{
	probe->in_len -= n;
	memmove(probe->in, probe->in + n, probe->in_len);
}

/* ---- the beginning ---- */

static void probe_talk(struct probe *probe, uint32_t events)
{
	int r;

	probe->state = PROBE_TALK;
	probe->stage = STAGE_RECEIVE;
	r = probe->ops->start(probe);
	if (r < 0)
		probe_failed(probe, STAGE_SEND, "%s", strerror(-r));
	if (probe->state == PROBE_TALK)
		probe->ops->on_ready(probe, events);
}

static void tls_failed(struct probe *probe, int error)
{
	probe_stream_failed(probe, STAGE_TLS, error);
}

static void probe_handshake(struct probe *probe, uint32_t events)
{
	int r = stream_handshake(&probe->stream);

	if (r == 0)
		probe_talk(probe, events);
	else if (r != -EAGAIN)
		tls_failed(probe, r);
}

static void probe_secure(struct probe *probe, uint32_t events)
{
	const struct probe_target *target = probe->target;
	const char *name = target->monitor->tls.name;
	int r;

	probe->state = PROBE_TLS;
	probe->stage = STAGE_TLS;
	if (target->tls == NULL) {
		probe_failed(probe, STAGE_TLS, "%s",
		             target->tls_problem != NULL ? target->tls_problem : "no TLS");
		return;
	}
	if (name == NULL)
		name = target->backend->server_name;
	r = tls_connect(&probe->stream, target->tls, name, &target->backend->addr);
	if (r < 0)
		tls_failed(probe, r);
	else
		probe_handshake(probe, events);
}

static void probe_connected(struct probe *probe, uint32_t events)
{
	int r = stream_connected(&probe->stream);

	if (r == -EAGAIN)
		return;
	if (r < 0)
		probe_stream_failed(probe, STAGE_CONNECT, r);
	else if (probe->target->monitor->tls.enabled)
		probe_secure(probe, events);
	else
		probe_talk(probe, events);
}

static void on_stream(struct stream *stream, uint32_t events)
{
	struct probe *probe = container_of(stream, struct probe, stream);

	switch (probe->state) {
	case PROBE_CONNECT:
		probe_connected(probe, events);
		break;
	case PROBE_TLS:
		probe_handshake(probe, events);
		break;
	case PROBE_TALK:
		probe_flush(probe);
		if (probe->state == PROBE_TALK)
			probe->ops->on_ready(probe, events);
		break;
	case PROBE_LEAVE:
		if (drain(probe) != -EAGAIN)
			probe_over(probe);
		break;
	case PROBE_OVER:
		break;
	}
}

/* Not even a probe: tell it all the same, so that nobody waits. */
static void no_memory(probe_fn on_result, void *owner)
{
	struct probe_result result = { .local = true, .stage = STAGE_CONNECT };

	snprintf(result.text, sizeof(result.text), "not probed: out of memory");
	on_result(owner, &result);
}

void probe_start(struct loop *loop, const struct probe_target *target, probe_fn on_result,
                 void *owner, struct probe **slot)
{
	struct running *running = calloc(1, sizeof(*running));
	struct probe *probe;
	int r;

	if (running == NULL) {
		no_memory(on_result, owner);
		return;
	}
	probe = &running->probe;
	probe->loop = loop;
	probe->ops = all_ops[target->monitor->type];
	probe->target = target;
	probe->state = PROBE_CONNECT;
	probe->stage = STAGE_CONNECT;
	probe->started_ns = clock_ns();
	probe->on_result = on_result;
	probe->owner = owner;
	probe->slot = slot;
	probe->deadline.on_expiry = on_deadline;
	*slot = probe;
	timer_arm(&probe->deadline, loop, target->monitor->timeout_ms);
	if (target->port == 0) {
		probe_failed(probe, STAGE_CONNECT, "there is no port to probe");
		return;
	}
	r = stream_connect(&probe->stream, loop, &target->backend->addr, target->port, NULL,
	                   on_stream);
	if (r < 0)
		probe_stream_failed(probe, STAGE_CONNECT, r);
}
