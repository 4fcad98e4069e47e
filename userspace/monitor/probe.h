/* One probe under way: connect, TLS, then a conversation that a monitor leads. The engine keeps the deadline, the bounds
 * and the buffers; the monitor says what is sent and judges what comes back. */
#ifndef SHUNT_MONITOR_PROBE_H
#define SHUNT_MONITOR_PROBE_H

#include <stdbool.h>
#include "monitor/monitor.h"
#include "tls/tls.h"

#define PROBE_IN_MAX    4096  /* one answer of a conversation in lines */
#define PROBE_OUT_MAX   2048  /* one question */
#define PROBE_TOTAL_MAX 65536 /* everything a backend may say in one probe */

/* What is probed; borrowed, stays valid until the probe is freed. */
struct probe_target {
	const struct monitor *monitor;
	const struct backend *backend;
	uint16_t port;
	struct tls_client *tls;  /* NULL: plain */
	const char *tls_problem; /* why there is no tls though it is wanted */
};

struct probe_result {
	bool ok;
	bool local; /* our own failure: says nothing about the backend */
	enum probe_stage stage;
	uint32_t took_us;
	char text[VERDICT_TEXT_MAX];
	char excerpt[VERDICT_EXCERPT_MAX];
};

enum probe_state {
	PROBE_CONNECT,
	PROBE_TLS,
	PROBE_TALK,
	PROBE_LEAVE, /* the verdict is out; the good-bye is on its way */
	PROBE_OVER,
};

typedef void (*probe_fn)(void *owner, const struct probe_result *result);

struct probe {
	struct stream stream;
	struct timer deadline;
	struct loop *loop;
	const struct monitor_ops *ops;
	const struct probe_target *target;
	enum probe_state state;
	enum probe_stage stage; /* where a timeout would strike */
	uint64_t started_ns;
	probe_fn on_result;
	void *owner;
	struct probe **slot; /* the owner's pointer; cleared when the probe is gone */
	/* for the monitor */
	unsigned step;
	bool may_close; /* the end of the stream is a good end from here on */
	void *own;
	size_t total; /* bytes received */
	size_t in_len;
	size_t out_len;
	size_t out_sent;
	char in[PROBE_IN_MAX];
	char out[PROBE_OUT_MAX];
};

/* Start a probe; its result comes to on_result exactly once, perhaps before this returns. *slot points to the probe as long
 * as it exists, which may be longer than until the result. Without memory the result says so. */
void probe_start(struct loop *loop, const struct probe_target *target, probe_fn on_result,
                 void *owner, struct probe **slot);
/* End it without a result. NULL is fine. */
struct probe *probe_free(struct probe *probe);

/* ---- for monitors ---- */
/* End the probe. Nothing may be done with it afterwards. */
void probe_ok(struct probe *probe);
/* Answers quoted by probe_excerpt() before are part of the verdict. */
void probe_failed(struct probe *probe, enum probe_stage stage, const char *fmt, ...) _printf_(3, 4);
/* Keep the start of an answer for people: printable ASCII, line ends as blanks. */
void probe_excerpt(struct probe *probe, const char *bytes, size_t len);
/* Send one question; what was answered so far stays in the buffer. Returns 0, also when the probe failed in here. */
void probe_say(struct probe *probe, const char *fmt, ...) _printf_(2, 3);
/* Read more into probe->in. False: nothing now, or the probe has ended in here (peer gone, too much): return. */
bool probe_more(struct probe *probe);
/* As stream_read(), for monitors with a buffer of their own; counts towards PROBE_TOTAL_MAX (-EMSGSIZE). */
ssize_t probe_read(struct probe *probe, void *buf, size_t len);
/* The stream failed with error: a verdict in words. */
void probe_stream_failed(struct probe *probe, enum probe_stage stage, int error);
/* Forget the first n bytes of probe->in. */
void probe_consume(struct probe *probe, size_t n);
/* May this word of the configuration be sent as part of a line? Printable ASCII without blanks. */
bool probe_word_ok(const char *word);

#endif
