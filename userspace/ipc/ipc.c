/* One sendmsg or recvmsg a message: a small head, the bytes, and descriptors as ancillary data. */
#include "ipc/ipc.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Room for the largest burst (the states of all members) while the other end is still starting. */
#define SEND_BUFFER (4 << 20)

struct head {
	uint32_t type;
	uint32_t len; /* of the bytes that follow */
};

union control_buffer {
	struct cmsghdr head; /* alignment */
	char bytes[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
};

int ipc_pair(int ret_fds[2])
{
	int fds[2];
	int size = SEND_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	/* Without CAP_NET_ADMIN the system's limit holds; a full buffer is the sender's -EAGAIN then. */
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
			(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

static void attach_fds(struct msghdr *msg, union control_buffer *control, const int *fds, size_t n)
{
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(n * sizeof(int));
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
}

int ipc_send(int fd, enum ipc_type type, const void *bytes, size_t len, const int *fds,
             size_t n_fds)
{
	struct head head = { .type = (uint32_t)type, .len = (uint32_t)len };
	/* sendmsg only reads what iov_base points to. */
	union {
		const void *in;
		void *out;
	} unconst = { .in = bytes };
	struct iovec iov[2] = { { &head, sizeof(head) }, { unconst.out, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1 };
	union control_buffer control;
	ssize_t n;

	if (len > IPC_BYTES_MAX || n_fds > IPC_FDS_MAX)
		return -EMSGSIZE;
	if (n_fds > 0)
		attach_fds(&msg, &control, fds, n_fds);
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;
	return 0;
}

static void take_fds(struct msghdr *msg, struct ipc_message *message)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t n;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int taken;

			memcpy(&taken, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(taken));
			if (message->n_fds < IPC_FDS_MAX)
				message->fds[message->n_fds++] = taken;
			else
				close(taken);
		}
	}
}

static bool known_type(uint32_t type)
{
	return (type >= IPC_GENERATION && type <= IPC_PROBE_NOW) ||
	       (type >= IPC_READY && type <= IPC_VERDICT);
}

int ipc_receive(int fd, struct ipc_message *ret_message)
{
	struct head head;
	struct iovec iov[2] = { { &head, sizeof(head) },
		                { ret_message->bytes, sizeof(ret_message->bytes) } };
	union control_buffer control;
	struct msghdr msg = { .msg_iov = iov,
		              .msg_iovlen = 2,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;

	ret_message->n_fds = 0;
	take_fds(&msg, ret_message);
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || (size_t)n < sizeof(head) ||
	    head.len != (size_t)n - sizeof(head) || !known_type(head.type)) {
		ipc_message_done(ret_message);
		return -EPROTO;
	}
	ret_message->type = (enum ipc_type)head.type;
	ret_message->len = head.len;
	return 0;
}

void ipc_message_done(struct ipc_message *message)
{
	for (size_t i = 0; i < message->n_fds; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
	message->n_fds = 0;
}

const char *probe_stage_word(enum probe_stage stage)
{
	static const char *const WORDS[] = {
		[STAGE_CONNECT] = "connect", [STAGE_TLS] = "tls",     [STAGE_SEND] = "send",
		[STAGE_RECEIVE] = "receive", [STAGE_MATCH] = "match", [STAGE_DONE] = "done",
	};

	return (size_t)stage < ARRAY_SIZE(WORDS) ? WORDS[stage] : "unknown";
}
