/* Messages between control and the other roles over a SOCK_SEQPACKET socket pair, with descriptors beside the bytes.
 * Both ends belong to us and are the same build, but a role may have been taken over: control checks every length and
 * index it receives. */
#ifndef SHUNT_IPC_IPC_H
#define SHUNT_IPC_IPC_H

#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"

#define IPC_BYTES_MAX 16384
#define IPC_FDS_MAX   64

enum ipc_type {
	/* control → role */
	IPC_GENERATION = 1, /* struct ipc_generation; fd: the bundle */
	IPC_LISTENERS,      /* struct ipc_listener[]; as many fds; proxy only; comes before its IPC_GENERATION */
	IPC_MEMBER,         /* struct ipc_member[]: states, to proxy and monitor */
	IPC_SHARED,         /* fd: the proxy's counters (stats/proxy_stats.h); proxy only, first message */
	IPC_STOP,           /* finish what is under way, then exit 0 */
	IPC_PROBE_NOW,      /* struct ipc_member: probe at once; monitor only */
	/* role → control */
	IPC_READY = 100, /* struct ipc_ready: the generation is in use */
	IPC_REFUSED,     /* struct ipc_ready + text: it could not be built; the old one goes on */
	IPC_VERDICT,     /* struct ipc_verdict: a probe's outcome (every probe); monitor only */
};

struct ipc_generation {
	uint64_t number;
};

struct ipc_ready {
	uint64_t number;
};

enum listener_kind {
	LISTENER_WEB,      /* the vip itself */
	LISTENER_REDIRECT, /* its redirect_http port */
};

struct ipc_listener {
	uint64_t generation;
	uint32_t vip;    /* index in that generation */
	uint32_t worker; /* which worker thread accepts from it */
	uint32_t kind;   /* enum listener_kind */
	uint32_t port;
};

/* health and admin as in maps/member.h */
struct ipc_member {
	uint64_t generation;
	uint32_t member; /* index in that generation */
	uint8_t health;
	uint8_t admin;
	uint8_t pad[2];
};

enum probe_stage {
	STAGE_CONNECT,
	STAGE_TLS,
	STAGE_SEND,
	STAGE_RECEIVE,
	STAGE_MATCH, /* an answer came, but not the expected one */
	STAGE_DONE,
};

#define VERDICT_TEXT_MAX    96
#define VERDICT_EXCERPT_MAX 160

struct ipc_verdict {
	uint64_t generation;
	uint32_t member;
	uint32_t monitor;   /* index of the monitor in generation.monitors */
	uint8_t ok;         /* this probe succeeded */
	uint8_t health;     /* of this monitor after it: enum member_health (fall and rise applied) */
	uint8_t stage;      /* enum probe_stage: STAGE_DONE when ok, else the one that failed */
	uint8_t pad;
	uint32_t took_us;
	uint32_t run;       /* probes in a row with this outcome */
	uint32_t pad2;
	char text[VERDICT_TEXT_MAX];       /* "timed out after 2000 ms", "connection refused", NUL-terminated */
	char excerpt[VERDICT_EXCERPT_MAX]; /* start of the answer, printable, NUL-terminated */
};

struct ipc_message {
	enum ipc_type type;
	size_t len;
	int fds[IPC_FDS_MAX];
	size_t n_fds;
	/* uint64_t, so that any message struct may be read in place */
	uint64_t bytes[IPC_BYTES_MAX / 8];
};

/* A connected pair; both ends close-on-exec and non-blocking. */
int ipc_pair(int ret_fds[2]) _must_check_;
/* Send one message; fds are duplicated by the kernel and stay the caller's. -EAGAIN when the peer is not reading. */
int ipc_send(int fd, enum ipc_type type, const void *bytes, size_t len, const int *fds, size_t n_fds) _must_check_;
/* Receive one message; the fds in it (close-on-exec) become the caller's. -EAGAIN: nothing there; -ECONNRESET: peer gone;
 * -EPROTO: not a message of ours. */
int ipc_receive(int fd, struct ipc_message *ret_message) _must_check_;
/* Close the descriptors of a message that were not taken (set to −1). */
void ipc_message_done(struct ipc_message *message);

const char *probe_stage_word(enum probe_stage stage); /* "connect", "tls", "send", "receive", "match", "done" */

#endif
